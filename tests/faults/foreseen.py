"""Works out what the first stage makes of the storm, with the stages themselves and no Kafka.

So the player knows when a step has passed, whatever happens to the workers meanwhile.
"""

from collections.abc import Callable, Sequence

from agents.telemetry import Telemetry
from agents.worker.assembly import consumer_specs
from agents.worker.stage import Outgoing, Stage
from schemas.codecs.signals import decode_signal
from schemas.signal import AlertSignal, TelemetrySignal
from tests.faults.orders import warm_up, worker_settings
from tests.faults.record import Record
from tests.faults.storm import TELEMETRY, Numbered, Step, Storm, draw_steps


def make_storm(seed: int = 7) -> Storm:
    """Simulate the storm, and foresee it; takes some seconds."""
    settings = worker_settings("127.0.0.1:9092", "", {})
    reduce, _correlate = consumer_specs(settings, warm_up(), Telemetry(), lambda _stage: None)
    stages: dict[tuple[str, int], Stage] = {}
    observed: dict[tuple[str, str], int] = {}

    def passed_on(message: Numbered) -> list[Outgoing]:
        place = message.topic, message.partition
        if place not in stages:
            stages[place] = reduce.stage(*place)
        record = Record(
            topic=message.topic,
            partition=message.partition,
            value=message.value,
            timestamp=message.event_ms,
        )
        return stages[place].handle([record], message.event_ms)

    steps = [_step(messages, passed_on, observed) for messages in draw_steps(seed)]
    return Storm(warmup=steps[0], storm=tuple(steps[1:-1]), curtain=steps[-1])


def _step(
    messages: Sequence[Numbered],
    passed_on: Callable[[Numbered], list[Outgoing]],
    observed: dict[tuple[str, str], int],
) -> Step:
    alerts: set[tuple[str, str, str]] = set()
    for message in messages:
        for out in passed_on(message):
            environment, signal = (out.key or b"").decode(), decode_signal(out.value or b"")
            if isinstance(signal, AlertSignal):
                alert = signal.alert
                alerts.add((environment, alert.fingerprint, alert.status.value))
            elif isinstance(signal, TelemetrySignal):
                source = environment, message.topic
                observed[source] = max(observed.get(source, 0), signal.observed_ms)
    return Step(
        sparse=tuple(m for m in messages if m.topic not in TELEMETRY),
        telemetry=tuple(m for m in messages if m.topic in TELEMETRY),
        alerts=frozenset(alerts),
        observed=dict(observed),
    )
