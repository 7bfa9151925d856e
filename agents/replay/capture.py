"""Input topics as a recording: messages stay what they were, telemetry becomes columns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from agents.errors import RootlineError
from agents.replay.joined import joined_metrics, joined_spans
from agents.replay.stages import Record
from agents.settings import Settings
from agents.worker.assembly import Engines
from schemas.codecs.alerts import decode_alerts
from schemas.codecs.changes import decode_change
from schemas.codecs.future import keep_spans
from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.otlp_spans import decode_spans
from schemas.codecs.prometheus_json import decode_samples
from schemas.errors import SchemaError
from schemas.recording import Message, Recording
from schemas.resolve import Resolver
from schemas.telemetry import MetricBatch, SpanBatch

R = TypeVar("R")
B = TypeVar("B", SpanBatch, MetricBatch)
_RESOLUTION_SECONDS = 15.0
"""Written where the samples do not tell it."""


class ManyEnvironmentsError(RootlineError):
    """A recording is of one environment, and the topics hold several."""


class Capture:
    """Makes a recording of what was read.

    Args:
        settings: names of topics, limits of the codecs, how environments are found.
        engines: the resolver, and the edges that graph files declare.
        environment: the one that is recorded; empty where there is only one.
    """

    def __init__(self, settings: Settings, engines: Engines, environment: str) -> None:
        self._topics = settings.topics
        self._limits = settings.limits
        self._resolver: Resolver = engines.resolver
        self._edges = engines.edges
        self._only = environment
        self._seen: set[str] = set()
        self.unread = 0

    def recording(
        self, records: Mapping[str, Sequence[Record]], start_ms: int, end_ms: int
    ) -> Recording:
        """Return the recording of records by topic.

        Raises:
            ManyEnvironmentsError: they are of several, and none was chosen.
        """
        topics = self._topics
        spans = joined_spans(self._batches(records.get(topics.otlp_spans, ()), self._spans))
        metrics = joined_metrics(
            [
                *self._batches(records.get(topics.otlp_metrics, ()), self._metrics),
                *self._batches([records.get(topics.metrics, ())], self._samples),
            ]
        )
        alerts = self._messages(records.get(topics.alerts, ()), self._of_alerts)
        changes = self._messages(records.get(topics.changes, ()), self._of_change)
        if not self._only and len(self._seen) > 1:
            names = ", ".join(sorted(self._seen)[:10])
            msg = f"the topics hold several environments ({names}); choose one by --environment"
            raise ManyEnvironmentsError(msg)
        edges = [edge for declared in self._edges.values() for edge in declared]
        pairs = [{"caller": e.caller.name, "callee": e.callee.name} for e in edges]
        return Recording(
            environment=self._only or next(iter(self._seen), self._resolver.environment(())),
            start_ms=start_ms,
            end_ms=end_ms,
            resolution_seconds=_resolution(metrics),
            provenance={"kind": "real", "captured": "kafka", "unread_messages": self.unread},
            alerts=alerts,
            changes=changes,
            metrics=metrics,
            spans=spans,
            graph={"edges": pairs} if pairs else None,
        )

    def _messages(
        self, records: Sequence[Record], environments: Callable[[Record], set[str]]
    ) -> tuple[Message, ...]:
        """Keep messages as they are, bad ones too, so that a replay gets the same."""
        found = []
        for record in sorted(records, key=lambda record: record.timestamp):
            if record.value is None:
                continue
            try:
                named = environments(record)
            except SchemaError:
                named = {self._only} if self._only else set()
            self._seen |= named
            if not self._only or self._only in named:
                found.append(Message(arrived_ms=record.timestamp, value=record.value))
        return tuple(found)

    def _of_alerts(self, record: Record) -> set[str]:
        alerts = decode_alerts(
            record.value or b"", record.headers, received_ms=record.timestamp, limits=self._limits
        )
        return {self._resolver.environment(alert.labels) for alert in alerts}

    def _of_change(self, record: Record) -> set[str]:
        change = decode_change(
            record.value or b"", record.headers, received_ms=record.timestamp, limits=self._limits
        )
        return {self._resolver.environment(change.labels)}

    def _batches(self, records: Iterable[R], read: Callable[[R], B]) -> list[B]:
        batches = []
        for record in records:
            try:
                batch = read(record)
            except SchemaError:
                self.unread += 1
                continue
            if len(batch):
                batches.append(batch)
        return batches

    def _spans(self, record: Record) -> SpanBatch:
        batch = decode_spans(record.value or b"", record.headers, limits=self._limits)
        named = [self._resolver.environment(resource) for resource in batch.resources]
        keep = self._kept(named, batch.resource)
        return batch if keep.all() else keep_spans(batch, keep)

    def _metrics(self, record: Record) -> MetricBatch:
        batch = decode_metrics(record.value or b"", record.headers, limits=self._limits)
        return self._of_environment(batch)

    def _samples(self, records: Sequence[Record]) -> MetricBatch:
        filled = [record for record in records if record.value is not None]
        values = [record.value or b"" for record in filled]
        batch, bad = decode_samples(values, [r.headers for r in filled], limits=self._limits)
        self.unread += len(bad) + len(records) - len(filled)
        return self._of_environment(batch)

    def _of_environment(self, batch: MetricBatch) -> MetricBatch:
        named = [self._resolver.environment(series.labels) for series in batch.table]
        keep = self._kept(named, batch.series)
        if keep.all():
            return batch
        return replace(
            batch, series=batch.series[keep], time_ms=batch.time_ms[keep], value=batch.value[keep]
        )

    def _kept(self, named: Sequence[str], rows: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which rows are of the environment, given the one that each entry of a table names."""
        self._seen |= set(named)
        wanted = np.array([not self._only or name == self._only for name in named], np.bool_)
        return wanted[rows] if len(named) else np.zeros(len(rows), np.bool_)


def _resolution(metrics: MetricBatch | None) -> float:
    """The usual time between two samples of a series."""
    if metrics is None or len(metrics) < 2:
        return _RESOLUTION_SECONDS
    order = np.lexsort((metrics.time_ms, metrics.series))
    same = np.diff(metrics.series[order]) == 0
    gaps = np.diff(metrics.time_ms[order])[same]
    gaps = gaps[gaps > 0]
    return float(np.median(gaps)) / 1000 if len(gaps) else _RESOLUTION_SECONDS
