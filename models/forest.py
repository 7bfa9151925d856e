"""A forest of extremely randomised trees as plain arrays, read by NumPy alone.

Trees see what a sum of weights cannot (this only counts where that is absent), and remember the
system they grew on. How much they may say is decided on systems they have not seen (models/blend).
Source: Geurts, Ernst, Wehenkel: Extremely randomized trees (2006).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.readings import Array

Integers = NDArray[np.int64]

LEAF = -1
ODDS_LIMIT = 1e-3
"""Shares below it, and above its complement, are cut: no tree is surer than that."""
NODES_LIMIT = 400_000
DEPTH_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """All trees' nodes one after the other; `roots` is where each tree begins.

    `feature` is LEAF for a leaf; a candidate goes `left` where its feature is at most `threshold`,
    else `right` (places among all nodes). `share` is the share of root causes that came by.
    """

    roots: Integers
    feature: Integers
    threshold: Array
    left: Integers
    right: Integers
    share: Array

    def log_odds(self, features: Array) -> Array:
        """Return ln(p / (1 - p)) of the trees' mean share p for each candidate."""
        share = self.share[self._leaves(features)].mean(axis=1)
        p = np.clip(share, ODDS_LIMIT, 1.0 - ODDS_LIMIT)
        return np.asarray(np.log(p / (1.0 - p)), dtype=np.float64)

    def attribution(self, features: Array) -> Array:
        """Split each row's mean share up by feature: what each split on the way added (Saabas).

        The rows of the result sum to the share less that of the roots.
        """
        parts = np.zeros_like(features)
        node = np.tile(self.roots, (len(features), 1))
        rows = np.arange(len(features))[:, None].repeat(len(self.roots), axis=1)
        for _ in range(DEPTH_LIMIT):
            inner = self.feature[node] != LEAF
            if not inner.any():
                break
            after = self._step(node, features, inner)
            gain = (self.share[after] - self.share[node])[inner]
            np.add.at(parts, (rows[inner], self.feature[node][inner]), gain)
            node = after
        return parts / max(1, len(self.roots))

    def _leaves(self, features: Array) -> Integers:
        node = np.tile(self.roots, (len(features), 1))
        for _ in range(DEPTH_LIMIT):
            inner = self.feature[node] != LEAF
            if not inner.any():
                break
            node = self._step(node, features, inner)
        return node

    def _step(self, node: Integers, features: Array, inner: NDArray[np.bool_]) -> Integers:
        which = np.maximum(self.feature[node], 0)
        values = np.take_along_axis(features, which, axis=1)
        below = np.where(values <= self.threshold[node], self.left[node], self.right[node])
        return np.where(inner, below, node)
