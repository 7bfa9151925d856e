"""Which series panes are worth sending, and their making.

Part of the metric reducer. Invariant: a pane is sent again only when it has more samples than when
it was last sent.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.series_store import SeriesStore
from schemas.signal import SeriesPane


def take_panes(
    store: SeriesStore, chosen: NDArray[np.bool_], pane_ms: int
) -> tuple[SeriesPane, ...]:
    """Make the panes that changed of the chosen slots' anomalous series, and note them as sent.

    Args:
        store: The series; their `sent` columns change.
        chosen: A flag per slot: those of one environment.
        pane_ms: Length of a pane.
    """
    columns = store.columns
    until = columns.hot_until.copy()
    along = columns.companion & columns.live
    until[along] = np.maximum(until[along], store.places.hot_until[columns.component[along]])
    hot = np.flatnonzero(chosen & columns.live & columns.judged & (until >= 0))
    panes = [
        *_past_panes(store, hot, until[hot], pane_ms),
        *_open_panes(store, hot, until[hot], pane_ms),
        *_stopped_panes(store, np.flatnonzero(chosen & (columns.stale == 1)), pane_ms),
    ]
    panes.sort(key=lambda pane: (pane.component, pane.series_id, pane.start_ms, pane.samples))
    return tuple(panes)


def _open_panes(
    store: SeriesStore, hot: NDArray[np.int64], until: NDArray[np.int64], pane_ms: int
) -> list[SeriesPane]:
    columns = store.columns
    changed = (columns.samples[hot] > columns.sent[hot]) & (columns.weight[hot] > 0)
    slots = hot[changed & (columns.pane[hot] <= until) & (columns.pane[hot] >= 0)]
    columns.sent[slots] = columns.samples[slots]
    values = columns.sum[slots] / columns.weight[slots]
    return _make(store, slots, columns.pane[slots] * pane_ms, values, columns.samples[slots])


def _past_panes(
    store: SeriesStore, hot: NDArray[np.int64], until: NDArray[np.int64], pane_ms: int
) -> list[SeriesPane]:
    columns = store.columns
    past = columns.past_pane[hot].astype(np.int64)
    wanted = (columns.past_samples[hot] > columns.past_sent[hot]) & (past >= 0)
    wanted &= past <= until[:, None]
    wanted &= past >= columns.pane[hot][:, None] - columns.history
    rows, places = np.nonzero(wanted)
    slots = hot[rows]
    samples = columns.past_samples[slots, places]
    columns.past_sent[slots, places] = samples
    starts = columns.past_pane[slots, places].astype(np.int64) * pane_ms
    return _make(store, slots, starts, columns.past_value[slots, places], samples.astype(np.int64))


def _stopped_panes(store: SeriesStore, slots: NDArray[np.int64], pane_ms: int) -> list[SeriesPane]:
    columns = store.columns
    columns.stale[slots] = 2
    at = columns.stale_pane[slots]
    # One more than the pane's samples: the stop stands above what was sent of the same pane.
    samples = np.where(columns.pane[slots] == at, columns.samples[slots], 0) + 1
    values = np.nan_to_num(columns.closed_value[slots])
    weight = columns.weight[slots]
    values = np.where(weight > 0, columns.sum[slots] / np.where(weight > 0, weight, 1), values)
    return _make(store, slots, at * pane_ms, values, samples, stale=True)


def _make(
    store: SeriesStore,
    slots: NDArray[np.int64],
    starts: NDArray[np.int64],
    values: NDArray[np.float64],
    samples: NDArray[np.int64],
    *,
    stale: bool = False,
) -> list[SeriesPane]:
    bank = store.bank
    ready = bank.scale[slots] > 0
    rows = zip(
        slots.tolist(),
        starts.tolist(),
        values.tolist(),
        samples.tolist(),
        np.where(ready, bank.center[slots], values).tolist(),
        np.where(ready, bank.scale[slots], bank.floor[slots]).tolist(),
        bank.z(slots, values).tolist(),
        strict=True,
    )
    made = []
    for slot, start, value, count, center, scale, z in rows:
        facts = store.fact(slot)
        made.append(
            SeriesPane(
                component=facts.component,
                series_id=facts.series_id,
                metric=facts.name,
                metric_class=facts.meaning.metric_class.value,
                holder=facts.meaning.holder,
                start_ms=start,
                samples=count,
                value=value,
                center=center,
                scale=scale,
                z=z,
                stale=stale,
            )
        )
    return made
