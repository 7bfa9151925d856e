"""Rebuilds incidents from the signals log: exactly what the second stage is a function of."""

from collections.abc import Iterable, Mapping, Sequence

from agents.replay.stages import Kept, Record, Stages
from agents.worker.assembly import Engines
from agents.worker.stage import Incoming, Stage
from schemas.codecs.signals import encode_signal
from schemas.signal import TelemetrySignal


class SignalsLog:
    """The partitions of the log, each with a stage of its own, as a worker has it.

    Args:
        topic: the name of the log.
        stages: makes stages.
        kept: takes what they produce.
        environment: the only one that counts; all where it is empty.
        handled: per partition, up to where the worker is known to have handled the log; what is
            made of later signals may not be published yet. Where nothing is known, all counts.
    """

    def __init__(
        self,
        topic: str,
        stages: Stages,
        kept: Kept,
        environment: str,
        handled: Mapping[int, int],
    ) -> None:
        self._topic = topic
        self._stages = stages
        self._kept = kept
        self._only = environment.encode()
        self._handled = handled
        self._open: dict[int, Stage] = {}

    def declare(self, partition: int, engines: Engines, environment: str, at_ms: int) -> None:
        """Tell a partition the edges that graph files declare; the log says them once an hour."""
        for number, (name, edges) in enumerate(sorted(engines.edges.items())):
            signal = TelemetrySignal(source=f"graph:{name}", observed_ms=at_ms, declared=edges)
            record = Record(
                topic=self._topic,
                partition=partition,
                offset=number,
                timestamp=at_ms,
                key=environment.encode(),
                value=encode_signal(signal),
                headers=(),
            )
            self.handle([record])

    def handle(self, records: Sequence[Incoming]) -> None:
        """Take in the next records of one partition."""
        for record in records:
            if self._only and record.key != self._only:
                continue
            # One at a time, so that it is known which signal made a revision.
            outgoing = self._stage(record.partition).handle([record], max(record.timestamp, 0))
            handled = self._handled.get(record.partition)
            self._kept.take(outgoing, settled=handled is None or record.offset < handled)

    def ticks(self, partition: int, now_ms: int) -> Iterable[Record]:
        """Say what the owner of a partition would append while all is silent."""
        for out in self._stage(partition).idle(now_ms):
            yield Record(
                topic=self._topic,
                partition=partition,
                offset=0,
                timestamp=now_ms,
                key=out.key,
                value=out.value,
                headers=out.headers,
            )

    def _stage(self, partition: int) -> Stage:
        if partition not in self._open:
            self._open[partition] = self._stages.correlate(self._topic, partition)
        return self._open[partition]
