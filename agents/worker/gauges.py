"""Copies how the consumers and engines are doing into the metrics, and into health checks."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from weakref import WeakSet

from agents.health import Check, Health
from agents.telemetry import Telemetry
from agents.worker.consumer_status import ConsumerStatus, Phase
from agents.worker.correlate import CorrelateStage

Statuses = Callable[[], Sequence[ConsumerStatus]]


class Gauges:
    """Reads the progress of consumers and the stages that are open."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._stages: WeakSet[CorrelateStage] = WeakSet()

    def opened(self, stage: CorrelateStage) -> None:
        """Watch a stage for as long as it lives."""
        self._stages.add(stage)

    def update(self, statuses: Sequence[ConsumerStatus]) -> None:
        """Set every gauge to how things are now."""
        kafka, incidents = self._telemetry.kafka, self._telemetry.incidents
        waiting = any(status.phase is Phase.WAITING for status in statuses)
        kafka.connected.set(0 if waiting else 1)
        # What is not assigned any more must not keep its last value.
        for gauge in (kafka.lag, kafka.behind, kafka.unsaved, kafka.assigned):
            gauge.clear()
        for status in statuses:
            kafka.stuck.labels(consumer=status.name).set(0 if status.alive else 1)
            for (topic, partition), each in status.partitions.items():
                place = {"topic": topic, "partition": str(partition)}
                kafka.lag.labels(**place).set(each.lag)
                kafka.behind.labels(**place).set(each.behind_seconds)
                kafka.unsaved.labels(**place).set(each.unsaved)
                kafka.assigned.labels(topic=topic).inc()
        stats = [dict(stage.stats) for stage in self._stages]
        incidents.open.set(_total(stats, "incidents_open"))
        incidents.environments.set(_total(stats, "environments"))
        watermarks = [each["watermark_ms"] for each in stats if each.get("watermark_ms", 0.0) > 0]
        now_ms = time.time() * 1000
        delay_ms = max(0.0, now_ms - min(watermarks)) if watermarks else 0.0
        incidents.watermark_delay.set(delay_ms / 1000)


def _total(stats: Sequence[Mapping[str, float]], name: str) -> float:
    return sum(each.get(name, 0.0) for each in stats)


def health_of(statuses: Statuses, names: Iterable[str]) -> Health:
    """Return the checks of consumers: alive while they move, ready once they are caught up."""
    names = tuple(names)
    return Health(
        live={name: _check(statuses, name, _stuck) for name in names},
        ready={name: _check(statuses, name, _unready) for name in names},
    )


def _check(statuses: Statuses, name: str, judge: Callable[[ConsumerStatus], str | None]) -> Check:
    def check() -> str | None:
        found = next((status for status in statuses() if status.name == name), None)
        return judge(found) if found is not None else f"{name} is not there"

    return check


def _stuck(status: ConsumerStatus) -> str | None:
    reason = status.stuck
    return None if reason is None else f"stuck: {reason}; {status.sentence}"


def _unready(status: ConsumerStatus) -> str | None:
    return status.unready
