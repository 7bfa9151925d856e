"""Filling, closing and judging the panes of metric series.

Part of the metric reducer. Invariant: a pane is judged by the baseline of the panes before it, and
learnt when the series' next pane begins.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.clock import Clocks
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.pairing import Derivation
from pipeline.reduce.rates import Increments
from pipeline.reduce.roster import NEVER
from pipeline.reduce.series_facts import DERIVED
from pipeline.reduce.series_store import SeriesStore

_GAPS_OF_PATIENCE = 2
"""A series has stopped when it rests for more than this many of its longest usual gaps."""
_GAP_FADE = 32
"""With each sample the longest gap is forgotten by one part of this."""


class SeriesWindow:
    """The open panes of a store's series."""

    def __init__(self, store: SeriesStore, config: ReduceConfig) -> None:
        self._store = store
        self._config = config

    def add(self, got: Increments, pane: int) -> None:
        """Add increments to the panes of their series, and to what is derived from those."""
        columns, slots = self._store.columns, got.slots
        self._roll(slots, np.full(len(slots), pane))
        columns.sum[slots] += got.sums
        columns.weight[slots] += got.weights
        columns.samples[slots] += got.samples
        self._note_gaps(slots, got.last_ms)
        columns.last_ms[slots] = got.last_ms
        columns.last_value[slots] = got.last_value
        columns.stale[slots[~got.stopped]] = 0
        self._stop(slots[got.stopped], np.full(int(got.stopped.sum()), pane))
        self._store.places.touch(columns.component[slots], got.last_ms)
        self._store.targets.touch(columns.target[slots], got.last_ms)
        self._judge(slots[columns.judged[slots] & (columns.samples[slots] > 0)])
        derived = self._store.pairs.derive(columns, slots)
        if derived is not None:
            self._add_derived(derived)

    def _note_gaps(self, slots: NDArray[np.int64], now_ms: NDArray[np.int64]) -> None:
        """Learn how long a series usually rests: one that often pauses is not missed at once."""
        columns = self._store.columns
        known = columns.last_ms[slots] > NEVER
        gap_ms = np.where(known, now_ms - columns.last_ms[slots], 0)
        faded = columns.gap_ms[slots] - columns.gap_ms[slots] // _GAP_FADE
        columns.gap_ms[slots] = np.maximum(gap_ms, faded)

    def _add_derived(self, derived: Derivation) -> None:
        columns, slots = self._store.columns, derived.slots
        self._roll(slots, derived.panes)
        columns.sum[slots] = derived.sums
        columns.weight[slots] = derived.weights
        columns.samples[slots] = derived.samples
        columns.last_ms[slots] = derived.last_ms
        self._judge(slots[derived.weights > 0])

    def _roll(self, slots: NDArray[np.int64], panes: NDArray[np.int64]) -> None:
        """Close the open panes of slots that come to a new one: remember and learn them."""
        columns = self._store.columns
        moving = columns.pane[slots] < panes
        slots, panes = slots[moving], panes[moving]
        if not len(slots):
            return
        done = slots[(columns.samples[slots] > 0) & (columns.weight[slots] > 0)]
        done = done[columns.judged[done]]
        values, old = columns.sum[done] / columns.weight[done], columns.pane[done]
        place = old % columns.history
        columns.past_pane[done, place] = old
        columns.past_value[done, place] = values
        columns.past_samples[done, place] = columns.samples[done]
        columns.past_sent[done, place] = columns.sent[done]
        columns.closed_value[done] = values
        self._store.bank.update(done, values, old * self._config.pane_ms)
        for now, before in (
            (columns.pane, columns.before_pane),
            (columns.sum, columns.before_sum),
            (columns.weight, columns.before_weight),
            (columns.samples, columns.before_samples),
        ):
            before[slots] = now[slots]
            now[slots] = 0
        columns.sent[slots] = 0
        columns.pane[slots] = panes

    def _judge(self, slots: NDArray[np.int64]) -> None:
        """Mark series as anomalous by their open panes."""
        columns = self._store.columns
        slots = slots[columns.weight[slots] > 0]
        values = columns.sum[slots] / columns.weight[slots]
        z = self._store.bank.z(slots, values)
        sign = columns.sign[slots]
        bad = np.where(sign == 0, np.abs(z), sign * z) >= self._config.anomaly_z
        closed = columns.closed_value[slots]
        bad |= columns.watched[slots] & (np.abs(values - closed) > 1e-9)
        hot = slots[bad]
        until = columns.pane[hot] + self._config.history_panes
        columns.hot_until[hot] = until
        np.maximum.at(self._store.places.hot_until, columns.component[hot], until)

    def _stop(self, slots: NDArray[np.int64], panes: NDArray[np.int64]) -> None:
        """Mark series that stopped, if they were known well enough to be missed."""
        columns, known = self._store.columns, self._store.bank.known
        # Who holds a connection comes and goes without anything having stopped.
        missed = columns.judged[slots] & (columns.stale[slots] == 0) & ~columns.companion[slots]
        missed &= (known[slots] >= self._config.baseline.warm_up) | (known[slots] < 0)
        columns.stale[slots[missed]] = 1
        columns.stale_pane[slots[missed]] = panes[missed]

    def stop_silent(self, clocks: Clocks) -> None:
        """Find series whose siblings speak on, and components that fell silent as a whole."""
        columns, places, targets = self._store.columns, self._store.places, self._store.targets
        slots = np.flatnonzero(columns.live & columns.judged & (columns.stale == 0))
        slots = slots[columns.reading[slots] != DERIVED]
        sibling_ms = targets.last_ms[columns.target[slots]]
        patience_ms = np.maximum(
            self._config.stale_seconds * 1000, _GAPS_OF_PATIENCE * columns.gap_ms[slots]
        )
        alone = sibling_ms - columns.last_ms[slots] > patience_ms
        self._stop(slots[alone], sibling_ms[alone] // self._config.pane_ms)
        place = self._store.environment_of
        events = [clocks.by_environment[name].event_ms for name in self._store.environments]
        now = np.array(events, np.int64)[place]
        gone = now - places.last_ms[: len(places)] > self._config.silent_seconds * 1000
        silent = slots[gone[columns.component[slots]]]
        self._stop(silent, now[columns.component[silent]] // self._config.pane_ms)
