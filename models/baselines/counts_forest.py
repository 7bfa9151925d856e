"""A random forest on plain counts: each candidate's alerts and its neighbours' mean of them.

The yardstick for everything trained: on some sets it beats graph neural networks. It is the same
forest for every case of a fold, has no name among its features, and is fitted with a fixed seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from models.baselines.case import AlertCount, Array, BaselineCase

TREES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The features of one case's candidates, a row each; `roots` are the rows of its roots."""

    features: Array
    roots: tuple[int, ...]


def counts_of(case: BaselineCase) -> Array | None:
    """Give alerts in all and by kind, own and mean over neighbours.

    Each count is a share of the case's largest: systems differ in how many alerts they send, and
    without it the forest hardly carries over from one to another.
    """
    if not case.alerts:
        return None
    kinds = max(len(count.kinds) for count in case.alerts.values())
    nothing = AlertCount(alerts=0, kinds=(0,) * kinds)
    own = {name: _vector(case.alerts.get(name, nothing)) for name in _everybody(case)}
    neighbours: dict[str, set[str]] = {name: set() for name in own}
    for caller, callee in case.edges:
        neighbours[caller].add(callee)
        neighbours[callee].add(caller)
    rows = []
    for name in case.candidates:
        around = [own[n] for n in sorted(neighbours[name] - {name})]
        mean = np.mean(around, axis=0) if around else np.zeros(1 + kinds)
        rows.append(np.concatenate([own[name], mean]))
    counts = np.array(rows).reshape(len(rows), 2 * (1 + kinds))
    largest = counts.max(axis=0, initial=0.0)
    return counts / np.where(largest > 0.0, largest, 1.0)


def _everybody(case: BaselineCase) -> list[str]:
    ends = {name for edge in case.edges for name in edge}
    return sorted({*case.candidates, *case.alerts, *ends})


def _vector(count: AlertCount) -> Array:
    return np.array([count.alerts, *count.kinds], dtype=np.float64)


def forest(training: Sequence[Counted], seed: int = 1) -> RandomForestClassifier | None:
    """Fit a forest that tells roots from others; None where there is only one of the two."""
    if not training:
        return None
    features = np.concatenate([case.features for case in training])
    is_root = np.concatenate([_marked(case) for case in training])
    if len(set(is_root.tolist())) < 2:
        return None
    fitted = RandomForestClassifier(
        n_estimators=TREES, min_samples_leaf=2, class_weight="balanced", random_state=seed
    )
    return fitted.fit(features, is_root)


def counts_forest(fitted: RandomForestClassifier, features: Array) -> list[float]:
    """Score a case's candidates by the forest's probability of being a root."""
    chances: list[float] = fitted.predict_proba(features)[:, 1].tolist()
    return chances


def _marked(case: Counted) -> Array:
    marks = np.zeros(len(case.features))
    marks[list(case.roots)] = 1.0
    return marks
