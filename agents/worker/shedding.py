"""Sheds telemetry that is too old to catch up with, where `worker.shed` says so; by default none.

Old telemetry says little about an incident of now, and handling it delays what is new. Alerts and
changes cannot be named: they are never shed. What is skipped is counted.
"""

from collections.abc import Callable, Mapping, Sequence

from prometheus_client import Counter

from agents.worker.stage import Incoming, Outgoing, Stage

SHEDDABLE = ("otlp_spans", "otlp_metrics", "metrics")
"""Inputs that may be named, as in the [topics] section."""


class SheddingStage:
    """A stage that hands on only records of which the arrival is not too long ago."""

    def __init__(self, stage: Stage, after_ms: int, counter: Counter) -> None:
        self._stage = stage
        self._after_ms = after_ms
        self._counter = counter

    def handle(self, records: Sequence[Incoming], now_ms: int) -> list[Outgoing]:
        """Count what is too old, and let the stage handle the rest."""
        kept = [record for record in records if now_ms - record.timestamp <= self._after_ms]
        if len(kept) < len(records):
            self._counter.labels(topic=records[0].topic).inc(len(records) - len(kept))
        return self._stage.handle(kept, now_ms) if kept else []

    def idle(self, now_ms: int) -> list[Outgoing]:
        """Say what is due by the clock."""
        return self._stage.idle(now_ms)

    def snapshot(self) -> bytes | None:
        """Return the stage's state."""
        return self._stage.snapshot()

    def restore(self, data: bytes) -> None:
        """Restore the stage."""
        self._stage.restore(data)


def shedding(
    makers: Mapping[str, Callable[[str], Stage]],
    topics: Sequence[str],
    after_ms: int,
    counter: Counter,
) -> dict[str, Callable[[str], Stage]]:
    """Let the stages of some topics shed what arrived longer than `after_ms` ago."""

    def shed(make: Callable[[str], Stage]) -> Callable[[str], Stage]:
        return lambda source: SheddingStage(make(source), after_ms, counter)

    return {topic: shed(make) if topic in topics else make for topic, make in makers.items()}
