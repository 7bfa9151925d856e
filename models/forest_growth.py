"""Growing a forest with scikit-learn; only training needs it, answering reads the arrays."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from models.conditional_logit import Stack
from models.errors import ModelError
from models.forest import LEAF, Forest
from models.readings import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestConfig:
    """How trees grow."""

    trees: int = field(default=50, metadata={"doc": "number of trees"})
    least_leaf: int = field(
        default=2, metadata={"doc": "fewest candidates in a leaf; more where there are many rows"}
    )
    rows_a_leaf: int = field(
        default=3000, metadata={"doc": "one more candidate a leaf for so many candidates"}
    )
    feature_share: float = field(
        default=0.1, metadata={"doc": "share of the features tried at a split"}
    )

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.trees < 1 or self.least_leaf < 1 or not 0 < self.feature_share <= 1:
            msg = "forest.trees and least_leaf must be at least 1, feature_share in (0, 1]."
            raise ModelError(msg)


def grow_on(stack: Stack, config: ForestConfig, seed: int) -> Forest:
    """Grow a forest on questions: a question's other candidates weigh together as its root."""
    is_root = np.zeros(len(stack.features), np.bool_)
    is_root[stack.chosen[stack.chosen >= 0]] = True
    shares = np.repeat(stack.weights / np.maximum(stack.sizes - 1, 1), stack.sizes)
    weights = np.where(is_root, np.repeat(stack.weights, stack.sizes), shares)
    return grow(stack.features, is_root, weights, config, seed)


def grow(
    features: Array, is_root: NDArray[np.bool_], weights: Array, config: ForestConfig, seed: int
) -> Forest:
    """Grow a forest that tells root causes from the others.

    Args:
        features: Candidates x features, of many questions.
        is_root: Whether each candidate was the root cause.
        weights: How much each candidate counts; a question's others weigh as much as its root.
        config: How.
        seed: Seed of the draws.
    """
    leaf = max(config.least_leaf, len(features) // config.rows_a_leaf)
    grown = ExtraTreesClassifier(
        config.trees,
        min_samples_leaf=leaf,
        max_features=config.feature_share,
        random_state=seed,
        n_jobs=2,
    ).fit(features.astype(np.float32), is_root.astype(np.int64), sample_weight=weights)
    return _joined([tree.tree_ for tree in grown.estimators_], list(grown.classes_))


def _joined(trees: list[Any], classes: list[int]) -> Forest:
    roots: list[int] = []
    parts: list[tuple[Array, ...]] = []
    begin = 0
    for tree in trees:
        values = tree.value[:, 0, :]
        share = (
            values[:, classes.index(1)] / values.sum(axis=1) if 1 in classes else 0 * values[:, 0]
        )
        left, right = tree.children_left, tree.children_right
        leaf = left < 0
        parts.append(
            (
                np.where(leaf, LEAF, tree.feature),
                np.where(leaf, 0.0, tree.threshold).round(6),
                np.where(leaf, 0, left + begin),
                np.where(leaf, 0, right + begin),
                share.round(4),
            )
        )
        roots.append(begin)
        begin += len(left)
    feature, threshold, lefts, rights, shares = (
        np.concatenate([part[i] for part in parts]) for i in range(5)
    )
    return Forest(
        roots=np.array(roots, np.int64),
        feature=feature.astype(np.int64),
        threshold=threshold.astype(np.float64),
        left=lefts.astype(np.int64),
        right=rights.astype(np.int64),
        share=shares.astype(np.float64),
    )
