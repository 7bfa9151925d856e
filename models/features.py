"""The features' contract: a question's candidates as vectors, and the question itself as one.

Per reading of a measure: its clipped value, and its percentile within the incident among the
candidates that show it at all. Then a presence flag per block, and twelve rules as value and
reciprocal rank. No name, id, kind, system or static position enters. O(n log n) in candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.readings import BLOCKS, NEVER_AGAINST, READINGS, Array
from models.rule_scores import RULES, reciprocal_ranks
from schemas.candidate import Candidate, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureContract:
    """What an artefact must agree with before its weights mean anything here."""

    version: str
    names: tuple[str, ...]
    sources: tuple[str, ...]
    """For each feature the measure, `has block` or `rule name` that it speaks for."""
    context: tuple[str, ...]

    def never_against(self) -> tuple[bool, ...]:
        """Tell for each feature whether more of it can only speak for a candidate."""
        return tuple(s in NEVER_AGAINST or s.startswith("rule ") for s in self.sources)


def _contract() -> FeatureContract:
    pairs = [(f"{r.name}:value", r.measure) for r in READINGS]
    pairs += [(f"{r.name}:percentile", r.measure) for r in READINGS]
    pairs += [(f"has:{block}", f"has {block}") for block in BLOCKS]
    pairs += [(f"rule:{rule}", f"rule {rule}") for rule in RULES]
    pairs += [(f"first:{rule}", f"rule {rule}") for rule in RULES]
    return FeatureContract(
        version="2",
        names=tuple(name for name, _ in pairs),
        sources=tuple(source for _, source in pairs),
        context=(
            "bias",
            "candidates",
            "alerts",
            "elapsed",
            "has_metrics",
            "has_traces",
            "has_edges",
            "has_changes",
            "max_z",
            "best_rule",
            "deviating",
        ),
    )


FEATURES: Final = _contract()

_PERCENTILE_COLUMNS: Final = slice(len(READINGS), 2 * len(READINGS))
_RULE_COLUMNS: Final = slice(len(READINGS) * 2 + len(BLOCKS), len(FEATURES.names) - len(RULES))


def percentiles(reading: Array, quiet: float) -> Array:
    """Place each candidate among those that show the reading: mean rank / how many show it.

    A candidate at or below `quiet`, or without data (NaN), gets 0, and is not counted, so that
    quiet components move nobody's place. Ties share their mean rank.

    >>> percentiles(np.array([0.9, 0.1, 0.4, 0.4, np.nan]), 0.2).round(2).tolist()
    [1.0, 0.0, 0.5, 0.5, 0.0]
    """
    shown = reading > quiet
    if not shown.any():
        return np.zeros_like(reading)
    ordered = np.sort(reading[shown])
    values = np.where(shown, reading, ordered[0])
    below = np.searchsorted(ordered, values, side="left")
    up_to = np.searchsorted(ordered, values, side="right")
    return np.where(shown, (below + up_to + 1) / 2.0 / ordered.size, 0.0)


def _raw(candidates: Sequence[Candidate]) -> Array:
    rows = [[c.measures.get(r.measure, np.nan) for r in READINGS] for c in candidates]
    raw = np.array(rows, dtype=np.float64).reshape(len(candidates), len(READINGS))
    # An infinite ratio is data; a NaN is none.
    return np.clip(raw, -1e12, 1e12)


def vectors(question: Question) -> Array:
    """Turn the candidates into a matrix (candidates x FEATURES.names), every entry in [-1, 1].

    value = the reading of the measure (0 without data); percentile = `percentiles` of it. Worked:
    three candidates with z_cpu 9, 3 and none have the values 0.756, 0.455, 0 (log 10 / log 21,
    log 4 / log 21), and the percentiles 1, 0, 0, because |z| = 3 counts as quiet.
    """
    raw = _raw(question.candidates)
    present = ~np.isnan(raw)
    readings = np.column_stack([r.read(raw[:, i]) for i, r in enumerate(READINGS)])
    places = [percentiles(readings[:, i], r.quiet) for i, r in enumerate(READINGS)]
    values = np.where(present, readings, 0.0)
    blocks = [
        present[:, [i for i, r in enumerate(READINGS) if r.block == block]].any(axis=1)
        for block in BLOCKS
    ]
    columns = {r.name: values[:, i] for i, r in enumerate(READINGS)}
    rules = [rule(columns) for rule in RULES.values()]
    firsts = [reciprocal_ranks(rule) for rule in rules]
    return np.column_stack([values, *places, *blocks, *rules, *firsts]).astype(np.float64)


def shows_anything(features: Array) -> bool:
    """Tell whether any candidate shows any reading above its quiet level."""
    return bool(features[:, _PERCENTILE_COLUMNS].any())


def _log_share(count: float, cap: float) -> float:
    return float(min(np.log1p(max(count, 0.0)) / np.log1p(cap), 1.0))


def context_vector(question: Question, features: Array) -> Array:
    """Describe the question as a whole (FEATURES.context), for the option "none of these".

    `features` is what `vectors` made of it: the best rule score and the number of candidates that
    show anything come from there. Missing context counts as 0.
    """
    context = question.context
    rules = features[:, _RULE_COLUMNS]
    best = float(rules.max()) if rules.size else 0.0
    deviating = float((rules > 0.0).any(axis=1).sum())
    shares = ("has_metrics", "has_traces", "has_edges", "has_changes")
    vector = np.array(
        [
            1.0,
            _log_share(len(question.candidates), 200.0),
            _log_share(context.get("alerts", 0.0), 200.0),
            _log_share(context.get("elapsed_s", 0.0), 300.0),
            *(min(max(context.get(name, 0.0), 0.0), 1.0) for name in shares),
            _log_share(context.get("max_z", 0.0), 20.0),
            best,
            _log_share(deviating, 200.0),
        ]
    )
    return np.asarray(np.nan_to_num(vector), dtype=np.float64)
