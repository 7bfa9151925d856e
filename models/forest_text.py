"""A forest as JSON numbers, and back, with every number checked: no file may send us astray."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.forest import LEAF, NODES_LIMIT, Forest

_INTEGERS = ("roots", "feature", "left", "right")
_NUMBERS = ("threshold", "share")


def forest_document(forest: Forest) -> dict[str, list[Any]]:
    """Lay a forest out as lists of numbers."""
    return {name: getattr(forest, name).tolist() for name in (*_INTEGERS, *_NUMBERS)}


def read_forest(document: Any, width: int) -> Forest:
    """Check and read a forest over `width` features.

    Raises:
        ModelError: A list is missing, too long, or points outside; a child stands before its
            parent, so that a walk might not end.
    """
    names = {*_INTEGERS, *_NUMBERS}
    if not isinstance(document, dict) or set(document) != names:
        raise ModelError(_wrong(f"must hold exactly {', '.join(sorted(names))}"))
    columns = {name: _column(document[name], name) for name in names}
    forest = Forest(
        roots=columns["roots"].astype(np.int64),
        feature=columns["feature"].astype(np.int64),
        threshold=columns["threshold"],
        left=columns["left"].astype(np.int64),
        right=columns["right"].astype(np.int64),
        share=columns["share"],
    )
    size = len(forest.feature)
    if any(len(columns[name]) != size for name in names - {"roots"}):
        raise ModelError(_wrong("has lists of different lengths"))
    if not len(forest.roots) or not _within(forest.roots, 0, size):
        raise ModelError(_wrong("has a tree that begins outside its nodes"))
    if not _within(forest.feature, LEAF, width):
        raise ModelError(_wrong(f"splits on a feature outside the {width} there are"))
    inner = forest.feature != LEAF
    places = np.flatnonzero(inner)
    for child in (forest.left[inner], forest.right[inner]):
        # Children stand after their parents, so that every walk ends.
        if not _within(child, 0, size) or bool((child <= places).any()):
            raise ModelError(_wrong("has a node whose child does not stand after it"))
    if not _within(forest.share, 0.0, 1.0 + 1e-9):
        raise ModelError(_wrong("has shares outside [0, 1]"))
    return forest


def _column(value: Any, name: str) -> NDArray[np.float64]:
    if not isinstance(value, list) or len(value) > NODES_LIMIT:
        raise ModelError(_wrong(f"needs {name} as a list of at most {NODES_LIMIT} numbers"))
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in value):
        raise ModelError(_wrong(f"has something else than numbers in {name}"))
    column = np.array(value, dtype=np.float64)
    if not np.isfinite(column).all():
        raise ModelError(_wrong(f"has numbers that are not finite in {name}"))
    return column


def _within(values: NDArray[Any], low: float, high: float) -> bool:
    return bool(((values >= low) & (values < high)).all())


def _wrong(what: str) -> str:
    return f"ranker artefact: the forest {what}; train the ranker again."
