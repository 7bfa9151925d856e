from dataclasses import dataclass, field, replace

import orjson
import pytest

from agents.cases.asked import AskedQuestions
from agents.cases.kept import decode_kept
from agents.telemetry import Telemetry
from agents.worker.correlate import CorrelateStage
from agents.worker.dead_letter import DeadLetters
from agents.worker.engines import WatchedCorrelator
from agents.worker.perform import Performer
from models.rules import RuleRanker
from pipeline.config import PipelineConfig
from pipeline.outputs import AlertSetAside, DropReason, IncidentPublished, Transition
from pipeline.reorder import event_ms_of
from schemas.alert import Alert, AlertStatus
from schemas.codecs.signals import decode_signal, encode_signal
from schemas.component import Component
from schemas.incident import Firing, Incident, IncidentAlert, IncidentStatus, IncidentTrace
from schemas.signal import TickSignal
from tests.models.synthetic import candidate, question
from tests.pipeline.builders import T0, healthy_then_slow
from tests.pipeline.builders import an_alert as a_critical_alert


@dataclass
class Record:
    value: bytes | None
    key: bytes | None = b"prod"
    headers: list = field(default_factory=list)
    topic: str = "signals"
    partition: int = 3
    offset: int = 0
    timestamp: int = 1_000


def an_incident(**values):
    base = {
        "schema_version": "1.0",
        "incident_id": "i-1",
        "dedup_key": "d",
        "environment": "prod/eu",
        "revision": 4,
        "status": IncidentStatus.OPEN,
        "firing": Firing.EARLY,
        "severity": "critical",
        "title": "t",
        "started_at": "2026-01-01T00:00:00.000Z",
        "detected_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:12.000Z",
        "last_alert_at": "2026-01-01T00:00:00.000Z",
        "resolved_at": None,
        "window_start": "2026-01-01T00:00:00.000Z",
        "window_end": "2026-01-01T00:05:00.000Z",
        "components": ("cart",),
        "alerts": (),
        "alert_count": 0,
        "candidates": (),
        "p_none": 1.0,
        "abstained": True,
        "abstain_reason": "r",
        "changed": (),
        "metrics": (),
        "traces": (),
        "merged_into": None,
        "previous_incident_id": None,
        "graph_version": 1,
        "model_version": "m",
    }
    return Incident(**(base | values))


def a_member(name, text):
    return IncidentAlert(
        fingerprint=name,
        rule="R",
        status="firing",
        severity="critical",
        component="cart",
        starts_at="2026-01-01T00:00:00.000Z",
        ends_at=None,
        labels={"alertname": "R", "long": text},
        annotations={"description": text},
        generator_url="",
        grouping_reason="first",
    )


class EchoCorrelator:
    """Publishes one incident for each signal, numbered; remembers what it was given."""

    def __init__(self):
        self.seen = []
        self.transition, self.firing = Transition.UPDATED, Firing.EARLY
        self.questions = {}

    def handle(self, environment, signal, arrived_ms):
        self.seen.append((environment, signal.observed_ms, arrived_ms))
        incident = an_incident(
            environment=environment, revision=len(self.seen), firing=self.firing
        )
        return [IncidentPublished(transition=self.transition, incident=incident)]

    def ticks(self, now_ms):
        return [("prod", TickSignal(observed_ms=now_ms))]

    def snapshot(self):
        return orjson.dumps(self.seen)

    def restore(self, data):
        self.seen = [tuple(row) for row in orjson.loads(data)]

    def asked(self, incident_id):
        return self.questions.pop(incident_id, None)

    def stats(self):
        return {"incidents_open": float(len(self.seen))}


@pytest.fixture
def telemetry():
    return Telemetry()


@pytest.fixture
def performer(telemetry):
    return Performer(
        incidents="incidents",
        unassigned="unassigned",
        case_rows="rows",
        max_bytes=5_000,
        metrics=telemetry.incidents,
    )


@pytest.fixture
def stage(performer, telemetry):
    letters = DeadLetters(
        topic="dead-letter", max_bytes=1_000, counter=telemetry.intake.dead_lettered
    )
    return CorrelateStage("signals", 3, EchoCorrelator(), performer, letters)


def published(transition, **values):
    return IncidentPublished(transition=transition, incident=an_incident(**values))


@pytest.mark.parametrize("transition", list(Transition))
def test_an_incident_goes_out_as_a_cloud_event(performer, transition):
    out = performer.perform(published(transition))
    assert (out.topic, out.key) == ("incidents", b"i-1")
    assert orjson.loads(out.value)["incident_id"] == "i-1"
    assert dict(out.headers) == {
        "ce_specversion": b"1.0",
        "ce_type": f"io.rootline.incident.{transition.value}".encode(),
        "ce_source": b"/rootline/prod%2Feu",
        "ce_id": b"i-1:4",
        "ce_time": b"2026-01-01T00:00:12.000Z",
        "ce_subject": b"i-1",
        "content-type": b"application/json",
    }


def test_the_same_output_gives_the_same_bytes(performer):
    output = published(Transition.OPENED)
    assert performer.perform(output) == performer.perform(output)


def test_an_alert_set_aside_goes_out_with_its_reason_and_is_counted(performer, telemetry):
    alert = Alert(
        fingerprint="f1", status=AlertStatus.FIRING, labels=(("alertname", "A"),), starts_ms=1
    )
    aside = AlertSetAside(
        environment="prod",
        alert=alert,
        component=Component(name="cart"),
        reason=DropReason.ALONE,
        at_ms=5,
    )
    out = performer.perform(aside)
    assert (out.topic, out.key) == ("unassigned", b"f1")
    assert dict(out.headers)["rootline.reason"] == b"alone"
    assert orjson.loads(out.value)["alert"]["fingerprint"] == "f1"
    name = "rootline_alerts_set_aside_total"
    assert telemetry.registry.get_sample_value(name, {"reason": "alone"}) == 1


def test_an_oversized_incident_loses_details_but_no_member(performer):
    trace = IncidentTrace(
        trace_id="t", span_id="s", component="c", operation="o", duration_ms=1, failure=""
    )
    members = tuple(a_member(str(i), "x" * 900) for i in range(10))
    incident = an_incident(alerts=members, traces=(trace,))
    out = performer.perform(IncidentPublished(transition=Transition.OPENED, incident=incident))
    found = orjson.loads(out.value)
    assert len(out.value) <= 5_000
    assert [alert["fingerprint"] for alert in found["alerts"]] == [str(i) for i in range(10)]
    small = replace(incident, alerts=members[:1])
    out = performer.perform(IncidentPublished(transition=Transition.OPENED, incident=small))
    assert orjson.loads(out.value)["traces"], "what fits is not trimmed"


def test_signals_reach_the_engine_with_the_time_of_the_log_not_of_the_clock(stage):
    record = Record(encode_signal(TickSignal(observed_ms=7)), timestamp=1_234)
    outgoing = stage.handle([record], now_ms=9_999_999)
    assert stage._correlator.seen == [("prod", 7, 1_234)]
    assert [out.topic for out in outgoing] == ["incidents"]
    assert stage.stats == {"incidents_open": 1.0}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Record(b"{"), "does not decode"),
        (Record(None), "without key or value"),
        (Record(encode_signal(TickSignal(observed_ms=1)), key=None), "without key or value"),
        (Record(encode_signal(TickSignal(observed_ms=1)), key=b"\xff"), "not UTF-8"),
        (Record(b'{"type":"dance"}'), "a signal of type 'dance'"),
        (Record(b'{"type":"tick","observed_ms":"soon"}'), "does not decode"),
    ],
    ids=["not json", "tombstone", "no key", "bad key", "unknown type", "wrong type"],
)
def test_a_foreign_record_in_the_log_is_set_aside_and_the_next_one_handled(stage, record, reason):
    good = Record(encode_signal(TickSignal(observed_ms=7)))
    letter, incident = stage.handle([record, good], now_ms=1)
    assert reason in dict(letter.headers)["rootline.error.reason"].decode()
    assert dict(letter.headers)["rootline.error.stage"] == b"correlate"
    assert incident.topic == "incidents"


def test_ticks_are_appended_to_the_log_of_the_same_partition(stage):
    (tick,) = stage.idle(now_ms=42)
    assert (tick.topic, tick.key, tick.partition) == ("signals", b"prod", 3)
    assert decode_signal(tick.value) == TickSignal(observed_ms=42)


def test_a_restored_stage_goes_on_where_the_saved_one_was(stage, performer):
    stage.handle([Record(encode_signal(TickSignal(observed_ms=7)))], now_ms=1)
    other = CorrelateStage("signals", 3, EchoCorrelator(), performer, stage._letters)
    other.restore(stage.snapshot())
    record = Record(encode_signal(TickSignal(observed_ms=8)))
    assert other.handle([record], 1) == stage.handle([record], 1)


@pytest.mark.parametrize(
    ("transition", "firing", "kept"),
    [
        (Transition.OPENED, Firing.EARLY, True),
        (Transition.UPDATED, Firing.EARLY, False),
        (Transition.UPDATED, Firing.ON_TIME, True),
        (Transition.UPDATED, Firing.LATE, True),
        (Transition.RESOLVED, Firing.EARLY, True),
        (Transition.MERGED, Firing.EARLY, True),
    ],
)
def test_the_question_behind_first_and_last_answers_is_kept_after_the_answer(
    stage, transition, firing, kept
):
    correlator = stage._correlator
    correlator.transition, correlator.firing = transition, firing
    asked = question(candidate("cart-of-zebrafoods", z_cpu=9.0))
    correlator.questions = {"i-1": replace(asked, incident_id="i-1")}
    record = Record(encode_signal(TickSignal(observed_ms=7)))
    outgoing = stage.handle([record], now_ms=1)
    assert [out.topic for out in outgoing] == (["incidents", "rows"] if kept else ["incidents"])
    if kept:
        assert outgoing[1].key == outgoing[0].key
        assert b"zebrafoods" not in outgoing[1].value
        assert decode_kept(outgoing[1].value).place_of("cart-of-zebrafoods") == 0
        assert [out.topic for out in stage.handle([record], now_ms=1)] == ["incidents"], "once"
    else:
        assert "i-1" in correlator.questions, "it waits for the next answer"


def test_the_real_engine_tells_what_it_asked():
    asked = AskedQuestions(RuleRanker(), limit=10)
    correlator = WatchedCorrelator(PipelineConfig(), asked)
    published = []
    for signal in (*healthy_then_slow(), a_critical_alert("cart"), a_critical_alert("orders")):
        published += correlator.handle("shop", signal, event_ms_of(signal) + 1_000)
    for now_ms in range(T0, T0 + 60_000, 1_000):
        published += correlator.handle("shop", TickSignal(observed_ms=now_ms), now_ms)
    (incident_id,) = {each.incident.incident_id for each in published}
    question = correlator.asked(incident_id)
    assert {c.component.name for c in question.candidates} >= {"cart", "orders", "db"}
    assert correlator.asked(incident_id) is None
