"""Copies how the consumers and engines are doing into the metrics, and into health checks."""

from collections.abc import Iterable, Mapping, Sequence
from weakref import WeakSet

from agents.health import Check, Health
from agents.telemetry import Telemetry
from agents.worker.correlate import CorrelateStage
from agents.worker.progress import Phase, Progress


class Gauges:
    """Reads the progress of consumers and the stages that are open."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._stages: WeakSet[CorrelateStage] = WeakSet()

    def opened(self, stage: CorrelateStage) -> None:
        """Watch a stage for as long as it lives."""
        self._stages.add(stage)

    def update(self, progress: Iterable[Progress]) -> None:
        """Set every gauge to how things are now."""
        kafka, incidents = self._telemetry.kafka, self._telemetry.incidents
        statuses = [each.status() for each in progress]
        waiting = any(status.phase is Phase.WAITING for status in statuses)
        kafka.connected.set(0 if waiting else 1)
        # What is not assigned any more must not keep its last value.
        kafka.lag.clear()
        kafka.assigned.clear()
        for status in statuses:
            for (topic, partition), lag in status.lag.items():
                kafka.lag.labels(topic=topic, partition=str(partition)).set(lag)
                kafka.assigned.labels(topic=topic).inc()
        stats = [dict(stage.stats) for stage in self._stages]
        incidents.open.set(_total(stats, "incidents_open"))
        incidents.environments.set(_total(stats, "environments"))
        incidents.watermark_delay.set(
            max((each.get("watermark_delay_seconds", 0.0) for each in stats), default=0.0)
        )


def _total(stats: Sequence[Mapping[str, float]], name: str) -> float:
    return sum(each.get(name, 0.0) for each in stats)


def health_of(progress: Iterable[Progress]) -> Health:
    """Return the checks of consumers: alive while they move, ready once state is restored."""
    by_name = {each.name: each for each in progress}
    return Health(
        live={name: _live(each) for name, each in by_name.items()},
        ready={name: _ready(each) for name, each in by_name.items()},
    )


def _live(progress: Progress) -> Check:
    def check() -> str | None:
        status = progress.status()
        return None if status.alive else f"stuck; {status.sentence}"

    return check


def _ready(progress: Progress) -> Check:
    def check() -> str | None:
        status = progress.status()
        return None if status.ready else status.sentence

    return check
