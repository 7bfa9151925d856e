"""Stages with a reducer: spans and metrics in, panes and anomalies out as telemetry signals.

One reducer per input partition; its snapshot is the stage's state.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter

from agents.worker.dead_letter import Rejection
from agents.worker.intake import Decode, Intake, RecordHeaders
from agents.worker.packing import Packer
from agents.worker.stage import Incoming, Outgoing, arrival_ms
from schemas.errors import SchemaError
from schemas.signal import TelemetrySignal
from schemas.telemetry import MetricBatch, SpanBatch

B = TypeVar("B", SpanBatch, MetricBatch)
B_contra = TypeVar("B_contra", SpanBatch, MetricBatch, contravariant=True)
Signals = list[tuple[str, TelemetrySignal]]
DecodeSamples = Callable[
    [Sequence[bytes], Sequence[RecordHeaders]],
    tuple[MetricBatch, Sequence[tuple[int, SchemaError]]],
]


class Reducer(Protocol[B_contra]):
    """What pipeline/reduce offers for spans and for metrics."""

    def handle(self, batch: B_contra, arrived_ms: int) -> Signals:
        """Take a batch; return what has changed and may be told."""
        ...

    def flush(self) -> Signals:
        """Return everything that has not been told yet."""
        ...

    def stats(self) -> Mapping[str, float]:
        """Return counts since the state began, those of LEFT_OUT among them."""
        ...

    def snapshot(self) -> bytes:
        """Return the whole state."""
        ...

    def restore(self, data: bytes) -> None:
        """Become what `snapshot` was taken from."""
        ...


LEFT_OUT = ("late", "repeated", "homeless", "crowded_out", "ignored", "series_evicted")
"""What reducers count that is in no pane, none of it an error: docs/TOPICS.md explains each."""


class ReducerShell:
    """What every stage with a reducer does: tell, flush after a silence, save and restore."""

    def __init__(
        self,
        reducer: Reducer[SpanBatch] | Reducer[MetricBatch],
        intake: Intake,
        packer: Packer,
        flush_ms: int,
    ) -> None:
        self._reducer = reducer
        self._intake = intake
        self._packer = packer
        self._flush_ms = flush_ms
        self._held = False
        self._handled_ms = 0
        self._topic = ""
        self._counted: dict[str, float] = {}

    def tell(self, signals: Signals, now_ms: int) -> list[Outgoing]:
        """Turn what a reducer says into records."""
        self._held = True
        self._handled_ms = now_ms
        return self._packed(signals)

    def idle(self, now_ms: int) -> list[Outgoing]:
        """Let go of what is held, once nothing has come for a while."""
        # What was restored was held by another process; the silence is counted from here.
        self._handled_ms = self._handled_ms or now_ms
        if not self._held or now_ms - self._handled_ms < self._flush_ms:
            return []
        self._held = False
        return self._packed(self._reducer.flush())

    def _packed(self, signals: Signals) -> list[Outgoing]:
        self._count_left_out()
        records = self._packer.pack(signals)
        self._intake.metrics.signals.labels(type="telemetry").inc(len(records))
        return records

    def _count_left_out(self) -> None:
        """Tell the metrics what the reducer has left out since the last time."""
        stats = self._reducer.stats()
        for reason in LEFT_OUT:
            more = stats.get(reason, 0.0) - self._counted.get(reason, 0.0)
            if more > 0 and self._topic:
                self._counted[reason] = stats[reason]
                self._intake.metrics.left_out.labels(topic=self._topic, reason=reason).inc(more)

    def snapshot(self) -> bytes:
        """Return the reducer's state."""
        return self._reducer.snapshot()

    def restore(self, data: bytes) -> None:
        """Restore the reducer; what it held back then is told after the next silence."""
        self._reducer.restore(data)
        self._held = True
        # Whoever saved it has counted these.
        self._counted = dict(self._reducer.stats())


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect(Generic[B]):
    """How a topic of batches is read: decoder, what drops future rows, and the row counter."""

    decode: Decode[B]
    drop_future: Callable[[B, int], tuple[B, str | None]]
    rows: Counter


class BatchStage(ReducerShell, Generic[B]):
    """A topic whose messages carry many rows each: OTLP spans or OTLP metrics."""

    def __init__(
        self,
        reducer: Reducer[B],
        intake: Intake,
        packer: Packer,
        flush_ms: int,
        dialect: Dialect[B],
    ) -> None:
        super().__init__(reducer, intake, packer, flush_ms)
        self._rows: Reducer[B] = reducer
        self._dialect: Dialect[B] = dialect

    def handle(self, records: Sequence[Incoming], now_ms: int) -> list[Outgoing]:
        """Reduce the rows of every message."""
        self._topic = records[0].topic
        letters: list[Outgoing] = []
        signals: Signals = []
        for record in records:
            self._intake.metrics.messages.labels(topic=record.topic).inc()
            batch = self._intake.decoded(self._dialect.decode, record, now_ms)
            if isinstance(batch, Outgoing):
                letters.append(batch)
                continue
            latest_ms = self._intake.latest_ms(record, now_ms)
            kept, dropped = self._dialect.drop_future(batch, latest_ms)
            if dropped is not None:
                letters.append(self._intake.refuse(record, Rejection.FUTURE_DATED, dropped))
            self._dialect.rows.inc(len(kept))
            if len(kept):
                signals += self._rows.handle(kept, arrival_ms(record, now_ms))
        return letters + self.tell(signals, now_ms)


class PrometheusStage(ReducerShell):
    """prometheus-kafka-adapter JSON, one sample a message: decoded and reduced many at a time."""

    def __init__(
        self,
        reducer: Reducer[MetricBatch],
        intake: Intake,
        packer: Packer,
        flush_ms: int,
        decode: DecodeSamples,
    ) -> None:
        super().__init__(reducer, intake, packer, flush_ms)
        self._samples = reducer
        self._decode = decode

    def handle(self, records: Sequence[Incoming], now_ms: int) -> list[Outgoing]:
        """Reduce all samples as one batch."""
        self._topic = records[0].topic
        self._intake.metrics.messages.labels(topic=records[0].topic).inc(len(records))
        batch, good, letters = self._decoded(records)
        latest_ms = [self._intake.latest_ms(record, now_ms) for record in good]
        # Row i is the sample of the i-th good message.
        keep = batch.time_ms <= np.array(latest_ms, np.int64)
        letters += [
            self._intake.future(good[row], "the sample is", latest_ms[row])
            for row in np.flatnonzero(~keep).tolist()
        ]
        kept = batch if keep.all() else _where(batch, keep)
        self._intake.metrics.samples.inc(len(kept))
        if not len(kept):
            return letters
        arrived_ms = max(arrival_ms(record, now_ms) for record in good)
        return letters + self.tell(self._samples.handle(kept, arrived_ms), now_ms)

    def _decoded(
        self, records: Sequence[Incoming]
    ) -> tuple[MetricBatch, list[Incoming], list[Outgoing]]:
        filled = [record for record in records if record.value is not None]
        letters = [
            self._intake.refuse(record, Rejection.EMPTY, "no value; expected a sample as JSON")
            for record in records
            if record.value is None
        ]
        try:
            batch, bad = self._columns(filled)
        except Exception:
            filled, broken = self._sieved(filled)
            letters += broken
            batch, bad = self._columns(filled)
        refused = {index: str(error) for index, error in bad}
        letters += [
            self._intake.refuse(filled[index], Rejection.UNDECODABLE, reason)
            for index, reason in sorted(refused.items())
        ]
        good = [record for index, record in enumerate(filled) if index not in refused]
        return batch, good, letters

    def _columns(
        self, records: Sequence[Incoming]
    ) -> tuple[MetricBatch, Sequence[tuple[int, SchemaError]]]:
        values = [record.value or b"" for record in records]
        headers = [record.headers for record in records]
        return self._decode(values, headers)

    def _sieved(self, records: Sequence[Incoming]) -> tuple[list[Incoming], list[Outgoing]]:
        """Tell the messages that a codec can take from those on which it has a bug."""
        good: list[Incoming] = []
        broken: list[Outgoing] = []
        for record in records:
            try:
                self._columns([record])
            except Exception as error:
                broken.append(self._intake.bug(record, error))
            else:
                good.append(record)
        return good, broken


def _where(batch: MetricBatch, keep: NDArray[np.bool_]) -> MetricBatch:
    return replace(
        batch, series=batch.series[keep], time_ms=batch.time_ms[keep], value=batch.value[keep]
    )
