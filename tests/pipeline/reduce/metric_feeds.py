"""Series by hand and a reducer that is fed with them."""

from collections.abc import Callable, Iterable

import numpy as np

from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.metrics import MetricReducer
from schemas.resolve import Resolver, ResolverConfig
from schemas.signal import SeriesPane, TelemetrySignal
from schemas.telemetry import MetricBatch, MetricForm, Series, labels_of

T0 = 1_700_000_010_000
PANE_MS = 30_000
SCRAPE_MS = 15_000
Sample = tuple[Series, int, float]


def a_series(name: str, form: MetricForm = MetricForm.UNKNOWN, **labels: str) -> Series:
    return Series(
        name=name, labels=labels_of({"job": "cart", "instance": "cart-0:80"} | labels), form=form
    )


def a_batch(samples: Iterable[Sample]) -> MetricBatch:
    rows = list(samples)
    table = list(dict.fromkeys(series for series, _, _ in rows))
    return MetricBatch(
        series=np.array([table.index(series) for series, _, _ in rows], np.int32),
        time_ms=np.array([time for _, time, _ in rows], np.int64),
        value=np.array([value for _, _, value in rows], np.float64),
        table=tuple(table),
    )


def a_reducer(**config: float) -> MetricReducer:
    return MetricReducer("m-0", Resolver(ResolverConfig()), ReduceConfig(**config))


class Feed:
    """Scrapes some series every 15 s and gathers what the reducer says."""

    def __init__(self, **config: float) -> None:
        self.reducer = a_reducer(**config)
        self.now = T0
        self.said: list[TelemetrySignal] = []

    def scrape(self, times: int, *values: tuple[Series, float | Callable[[int], float]]) -> None:
        for turn in range(times):
            rows = [(s, self.now, v(turn) if callable(v) else v) for s, v in values]
            self.said += [s for _, s in self.reducer.handle(a_batch(rows), self.now)]
            self.now += SCRAPE_MS

    def flush(self) -> None:
        self.said += [signal for _, signal in self.reducer.flush()]

    def panes(self, metric: str | None = None) -> list[SeriesPane]:
        panes = [pane for signal in self.said for pane in signal.series]
        return [pane for pane in panes if metric in (None, pane.metric)]

    def last(self, metric: str) -> SeriesPane:
        return self.panes(metric)[-1]


MEMORY = a_series("process_resident_memory_bytes")


MYSQL = {"job": "mysql", "instance": "mysql-primary:9104"}
CONNECTED = a_series("mysql_global_status_threads_connected", **MYSQL)
ALLOWED = a_series("mysql_global_variables_max_connections", **MYSQL)
RUNNING = a_series("mysql_global_status_threads_running", **MYSQL)


def by_user(user: str) -> Series:
    return a_series("mysql_info_schema_processlist_threads", user=user, **MYSQL)
