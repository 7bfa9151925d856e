from types import SimpleNamespace

import pytest

from agents.telemetry import Telemetry
from agents.worker.config import WorkerConfig
from agents.worker.shedding import shedding

NOW_MS = 1_000_000


class Keeping:
    """A stage that remembers the offsets of what it was handed."""

    def __init__(self, source):
        self.source = source
        self.offsets = []

    def handle(self, records, now_ms):
        self.offsets += [record.offset for record in records]
        return []

    def idle(self, now_ms):
        return [now_ms]

    def snapshot(self):
        return b"state"

    def restore(self, data):
        self.offsets = [data]


def a_record(offset, age_ms, topic="otlp_spans"):
    return SimpleNamespace(topic=topic, offset=offset, timestamp=NOW_MS - age_ms)


@pytest.fixture
def telemetry():
    return Telemetry()


def shed_of(telemetry):
    return telemetry.registry.get_sample_value(
        "rootline_messages_shed_total", {"topic": "otlp_spans"}
    )


def test_old_telemetry_is_skipped_and_counted_and_the_rest_is_handled(telemetry):
    made = []
    makers = {"otlp_spans": lambda source: made.append(Keeping(source)) or made[-1]}
    stage = shedding(makers, ["otlp_spans"], 60_000, telemetry.intake.shed)["otlp_spans"]("s/0")
    stage.handle([a_record(0, 60_001), a_record(1, 60_000), a_record(2, 0)], NOW_MS)
    stage.handle([a_record(3, 99_999)], NOW_MS)
    assert made[0].offsets == [1, 2]
    assert made[0].source == "s/0"
    assert shed_of(telemetry) == 2.0
    assert stage.idle(7) == [7]
    assert stage.snapshot() == b"state"


def test_topics_that_are_not_named_are_handled_however_old_they_are(telemetry):
    makers = {"alerts": Keeping, "otlp_spans": Keeping}
    chosen = shedding(makers, ["otlp_spans"], 60_000, telemetry.intake.shed)
    assert chosen["alerts"] is Keeping


def test_nothing_is_shed_unless_it_is_declared():
    assert WorkerConfig().shed == ()


@pytest.mark.parametrize("name", ["alerts", "changes", "signals", "anything"])
def test_what_must_not_be_lost_cannot_be_declared(name):
    with pytest.raises(ValueError, match=r"alerts and changes are never shed"):
        WorkerConfig(shed=("otlp_spans", name))
