import random

from pipeline.reorder import ReorderBuffer, event_ms_of
from schemas.signal import TickSignal
from tests.pipeline.builders import T0, a_change, an_alert, telemetry


def drained(buffer: ReorderBuffer) -> list[object]:
    return [buffer.pop() for _ in range(len(buffer))]


IN_ORDER = [
    an_alert("early", at_s=-1),
    telemetry(at_s=0),
    telemetry(at_s=0, source="z"),
    a_change(at_s=0),
    an_alert("cart", at_s=0),
    an_alert("cart", at_s=-5, ends_s=0),
    TickSignal(observed_ms=T0),
    telemetry(at_s=1),
]


def test_what_came_shuffled_leaves_in_one_order():
    for seed in range(20):
        buffer = ReorderBuffer()
        for signal in random.Random(seed).sample(IN_ORDER, len(IN_ORDER)):
            buffer.push(signal)
        assert buffer.head_ms == T0 - 1000
        assert drained(buffer) == IN_ORDER
        assert buffer.head_ms is None


def test_the_time_of_a_resolve_is_its_end():
    assert event_ms_of(an_alert(at_s=5, ends_s=60)) == T0 + 60_000
    assert event_ms_of(an_alert(at_s=5)) == T0 + 5_000


def test_a_snapshot_holds_what_waits_in_order():
    buffer, other = ReorderBuffer(), ReorderBuffer()
    for signal in reversed(IN_ORDER):
        buffer.push(signal)
    other.push(an_alert("forgotten"))
    other.restore(buffer.snapshot())
    assert other.snapshot() == buffer.snapshot()
    assert drained(other) == IN_ORDER
