"""What is remembered of every metric series, as columns: one slot a series.

Part of the metric reducer. Invariant: a slot belongs to one series until it is evicted, and all
columns are equally long.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.roster import NEVER

_SPEC: tuple[tuple[str, type[np.generic], float], ...] = (
    # name, type, value of an empty slot
    ("live", np.bool_, 0),
    ("reading", np.uint8, 0),  # index into series_store.READINGS
    ("sign", np.int8, 1),  # +1: up is bad, -1: down is bad, 0: both are
    ("judged", np.bool_, 0),  # has a value of its own, a baseline and a z
    ("companion", np.bool_, 0),  # sent along when anything of its component is anomalous
    ("watched", np.bool_, 0),  # sent whenever it changes
    ("component", np.int64, 0),
    ("target", np.int64, 0),
    ("last_ms", np.int64, NEVER),
    ("gap_ms", np.int64, 0),  # its longest usual time between samples; fades slowly
    ("last_value", np.float64, np.nan),
    ("pane", np.int64, -1),  # the open pane: sum / weight is its value
    ("sum", np.float64, 0),
    ("weight", np.float64, 0),
    ("samples", np.int64, 0),
    ("sent", np.int64, 0),
    ("before_pane", np.int64, -1),  # the pane before, for partners that lag behind
    ("before_sum", np.float64, 0),
    ("before_weight", np.float64, 0),
    ("before_samples", np.int64, 0),
    ("closed_value", np.float64, np.nan),
    ("hot_until", np.int64, -1),
    ("stale", np.uint8, 0),  # 0 no, 1 to be told, 2 told
    ("stale_pane", np.int64, -1),
)
_HISTORY: tuple[tuple[str, type[np.generic], float], ...] = (
    ("past_pane", np.int32, -1),
    ("past_value", np.float64, 0),
    ("past_samples", np.int32, 0),
    ("past_sent", np.int32, 0),
)


class SeriesColumns:
    """The columns; see the specification above for what each holds."""

    live: NDArray[np.bool_]
    reading: NDArray[np.uint8]
    sign: NDArray[np.int8]
    judged: NDArray[np.bool_]
    companion: NDArray[np.bool_]
    watched: NDArray[np.bool_]
    component: NDArray[np.int64]
    target: NDArray[np.int64]
    last_ms: NDArray[np.int64]
    gap_ms: NDArray[np.int64]
    last_value: NDArray[np.float64]
    pane: NDArray[np.int64]
    sum: NDArray[np.float64]
    weight: NDArray[np.float64]
    samples: NDArray[np.int64]
    sent: NDArray[np.int64]
    before_pane: NDArray[np.int64]
    before_sum: NDArray[np.float64]
    before_weight: NDArray[np.float64]
    before_samples: NDArray[np.int64]
    closed_value: NDArray[np.float64]
    hot_until: NDArray[np.int64]
    stale: NDArray[np.uint8]
    stale_pane: NDArray[np.int64]
    past_pane: NDArray[np.int32]
    past_value: NDArray[np.float64]
    past_samples: NDArray[np.int32]
    past_sent: NDArray[np.int32]

    def __init__(self, capacity: int, history: int) -> None:
        self.history = history
        for name, kind, empty in _SPEC:
            setattr(self, name, np.full(capacity, empty, kind))
        for name, kind, empty in _HISTORY:
            setattr(self, name, np.full((capacity, history), empty, kind))

    def __len__(self) -> int:
        return len(self.live)

    def grow(self, capacity: int) -> None:
        """Make room up to `capacity` slots."""
        larger = SeriesColumns(capacity, self.history)
        for name, column in self.arrays().items():
            getattr(larger, name)[: len(column)] = column
            setattr(self, name, getattr(larger, name))

    def clear(self, slot: int) -> None:
        """Empty a slot."""
        for name, _, empty in (*_SPEC, *_HISTORY):
            getattr(self, name)[slot] = empty

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all columns by name."""
        return {name: getattr(self, name) for name, _, _ in (*_SPEC, *_HISTORY)}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over the columns of a snapshot."""
        for name in self.arrays():
            setattr(self, name, arrays[name])
