"""The published contracts are the code's, and what is really published keeps to them."""

import re
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import jsonschema
import orjson
import pytest
import yaml

from agents.contracts import foreign
from agents.contracts.publish import PUBLISHED, published_files
from agents.telemetry import Telemetry
from agents.worker.perform import Performer
from agents.worker.topics import TopicsConfig, declarations
from models.rules import RuleRanker
from pipeline.config import PipelineConfig
from pipeline.engine import Engine
from pipeline.outputs import AlertSetAside, IncidentPublished, Output, Transition
from pipeline.reorder import event_ms_of
from schemas.incident import Incident
from schemas.signal import Signal, TickSignal
from tests.pipeline.builders import T0, a_change, an_alert, healthy_then_slow
from tests.schemas import otlp_samples as otlp
from tests.schemas import samples

DOCUMENT = yaml.safe_load((PUBLISHED / "asyncapi.yaml").read_text(encoding="utf-8"))
SCHEMA = orjson.loads((PUBLISHED / "incident.schema.json").read_bytes())
SIGNAL_MESSAGES = {
    "alert": "AlertSignal",
    "change": "ChangeSignal",
    "telemetry": "TelemetrySignal",
    "tick": "TickSignal",
}


def storm() -> list[Signal]:
    """A slow database, two services that suffer, a lone warning, a deploy, and the end of it."""
    return [
        *healthy_then_slow(),
        a_change("cart", at_s=-120),
        an_alert("cart"),
        an_alert("orders", at_s=20),
        an_alert("mail", severity="warning", at_s=30),
        an_alert("cart", ends_s=150),
        an_alert("orders", ends_s=150),
    ]


def outputs_of(signals: list[Signal]) -> list[Output]:
    engine = Engine("shop", PipelineConfig(), RuleRanker())
    outputs: list[Output] = []
    now_ms = 0
    for signal in sorted(signals, key=event_ms_of):
        now_ms = event_ms_of(signal) + 1000
        outputs += engine.handle(signal, now_ms)
    for tick_ms in range(now_ms, T0 + 900_000, 5000):
        outputs += engine.handle(TickSignal(observed_ms=tick_ms), tick_ms)
    return outputs


@pytest.fixture(scope="module")
def outputs() -> list[Output]:
    return outputs_of(storm())


@pytest.fixture
def performer() -> Performer:
    return Performer(
        incidents="incidents",
        unassigned="unassigned",
        case_rows="rows",
        max_bytes=8 << 20,
        metrics=Telemetry().incidents,
    )


def check(value: Any, schema: Any) -> None:
    validator = jsonschema.Draft202012Validator
    validator(schema, format_checker=validator.FORMAT_CHECKER).validate(value)


def check_component(value: Any, name: str) -> None:
    """Validate against a schema of the AsyncAPI document, whose dialect is draft 7."""
    root = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema.Draft7Validator(root).validate(value)


@pytest.mark.parametrize("name", sorted(published_files()))
def test_a_published_file_is_what_the_code_says(name):
    found = (PUBLISHED / name).read_text(encoding="utf-8")
    assert found == published_files()[name], "run: python -m agents.contracts.publish"


def test_nothing_else_is_published():
    assert sorted(path.name for path in PUBLISHED.iterdir()) == sorted(published_files())


def test_every_revision_of_a_storm_keeps_to_the_schema(outputs, performer):
    published = [each for each in outputs if isinstance(each, IncidentPublished)]
    transitions = {each.transition for each in published}
    assert {Transition.OPENED, Transition.RESOLVED} <= transitions
    assert any(each.incident.candidates[0].evidence for each in published)
    for each in published:
        check(orjson.loads(performer.perform(each).value), SCHEMA)


def test_a_record_with_a_wrong_type_breaks_the_schema(outputs, performer):
    published = next(each for each in outputs if isinstance(each, IncidentPublished))
    record = orjson.loads(performer.perform(published).value)
    for name, value in (("revision", "1"), ("status", "closed"), ("candidates", {})):
        with pytest.raises(jsonschema.ValidationError):
            check(record | {name: value}, SCHEMA)


def test_headers_of_incidents_keep_to_the_document(outputs, performer):
    schema = DOCUMENT["components"]["messages"]["incident"]["headers"]
    for each in outputs:
        if isinstance(each, IncidentPublished):
            headers = {n: v.decode() for n, v in performer.perform(each).headers}
            assert headers.keys() == schema["properties"].keys()
            check(headers, schema)


def test_alerts_set_aside_keep_to_the_document(outputs, performer):
    aside = [each for each in outputs if isinstance(each, AlertSetAside)]
    assert aside
    for each in aside:
        record = performer.perform(each)
        check_component(orjson.loads(record.value), "AlertSetAside")
        headers = DOCUMENT["components"]["messages"]["setAside"]["headers"]
        check({n: v.decode() for n, v in record.headers}, headers)


def test_signals_keep_to_the_document():
    seen = set()
    for signal in [*storm(), TickSignal(observed_ms=T0)]:
        value = orjson.loads(orjson.dumps(signal))
        check_component(value, SIGNAL_MESSAGES[value["type"]])
        seen.add(value["type"])
    assert seen == SIGNAL_MESSAGES.keys()


@pytest.mark.parametrize("item", declarations(TopicsConfig()), ids=lambda item: item.name)
def test_every_topic_has_a_channel_that_says_how_it_is_created(item):
    (channel,) = [c for c in DOCUMENT["channels"].values() if c["address"] == item.name]
    kafka = channel["bindings"]["kafka"]
    assert kafka["partitions"] == item.partitions
    policy = ",".join(kafka["topicConfiguration"]["cleanup.policy"])
    assert policy == item.settings["cleanup.policy"]
    assert channel["messages"]


def test_every_reference_in_the_document_leads_somewhere():
    text = (PUBLISHED / "asyncapi.yaml").read_text(encoding="utf-8")
    references = set(re.findall(r"\$ref: '?([^'\s]+)'?", text))
    assert references
    for reference in references:
        file, _, pointer = reference.partition("#")
        if file:
            assert (PUBLISHED / file).is_file()
            continue
        place: Any = DOCUMENT
        for part in pointer.strip("/").split("/"):
            place = place[part]


def test_every_class_of_an_incident_is_described():
    for kind in classes_of(Incident, set()):
        schema = SCHEMA if kind is Incident else SCHEMA["$defs"][kind.__name__]
        assert schema["description"].startswith((kind.__doc__ or "").split(".")[0].split("\n")[0])
        assert schema["properties"].keys() == {item.name for item in fields(kind)}


def classes_of(hint: Any, found: set[Any]) -> set[Any]:
    if is_dataclass(hint) and hint not in found:
        found.add(hint)
        for inner in get_type_hints(hint).values():
            classes_of(inner, found)
    for inner in get_args(hint):
        classes_of(inner, found)
    return found


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (samples.WEBHOOK, foreign.ALERTS),
        (samples.WEBHOOK_ALERT, foreign.ALERTS),
        (samples.GRAFANA_WEBHOOK, foreign.ALERTS),
        (samples.POSTABLE, foreign.ALERTS),
        (samples.GETTABLE, foreign.ALERTS),
        (samples.EVENT_CREATED, foreign.ALERTS),
        (samples.CHANGE, foreign.CHANGE),
        (samples.SAMPLE, foreign.SAMPLE),
        (samples.VERDICT, foreign.VERDICT),
        (otlp.TRACES_JSON, foreign.OTLP_SPANS),
        (otlp.METRICS_JSON, foreign.OTLP_METRICS),
    ],
)
def test_golden_messages_of_others_keep_to_what_is_published(value, schema):
    check(value, schema)


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"status": "firing"}, foreign.ALERTS),
        ({"kind": "deploy"}, foreign.CHANGE),
        ({"incident_id": "i", "outcome": "confirmed"}, foreign.VERDICT),
        ({**samples.VERDICT, "outcome": "maybe"}, foreign.VERDICT),
        ({**samples.VERDICT, "revision": 0}, foreign.VERDICT),
        ({**samples.VERDICT, "outcome": "nothing_wrong"}, foreign.VERDICT),
    ],
)
def test_messages_that_the_codecs_refuse_break_what_is_published(value, schema):
    with pytest.raises(jsonschema.ValidationError):
        check(value, schema)
