"""The messages of every topic: key, headers, value, each under its name in the document."""

from typing import Any

from agents.contracts.foreign import ALERTS, CHANGE, OTLP_METRICS, OTLP_SPANS, SAMPLE, Schema
from agents.notifier.sent import Sent
from agents.redrive.ledger import Entry
from agents.worker.dead_letter import Rejection
from pipeline.outputs import AlertSetAside, DropReason, Transition
from schemas.json_schema import definitions_of
from schemas.signal import AlertSignal, ChangeSignal, TelemetrySignal, TickSignal

KAFKA_BINDING = "0.5.0"
_OWN = (AlertSetAside, AlertSignal, ChangeSignal, Entry, Sent, TelemetrySignal, TickSignal)
_PROTO = "https://github.com/open-telemetry/opentelemetry-proto"
_ADAPTER = "https://github.com/Telefonica/prometheus-kafka-adapter"
_ANY_KEY = "anything"


def own_schemas() -> dict[str, Schema]:
    """The schemas of the values that Rootline writes, besides the incident's own file."""
    definitions = definitions_of(_OWN, "#/components/schemas/{name}")
    return {name: _draft7(schema) for name, schema in definitions.items()}


def messages() -> dict[str, Schema]:
    """Every message by its name."""
    return {**_inputs(), **_signals(), **_outputs(), **_memories()}


def _inputs() -> dict[str, Schema]:
    return {
        "alerts": _message("Alerts, several shapes", _ANY_KEY, ALERTS, _event_headers()),
        "change": _message("A change", _ANY_KEY, CHANGE, _event_headers()),
        "spans": _otlp("Spans of OTLP, protobuf or JSON", OTLP_SPANS),
        "metrics": _otlp("Metrics of OTLP, protobuf or JSON", OTLP_METRICS),
        "sample": {
            **_message("One Prometheus sample", _ANY_KEY, SAMPLE, _event_headers()),
            "externalDocs": {"url": _ADAPTER},
        },
    }


def _otlp(title: str, payload: Schema) -> Schema:
    message = _message(title, "a trace id or a series, if you can", payload, _event_headers())
    return {**message, "contentType": "application/x-protobuf", "externalDocs": {"url": _PROTO}}


def _signals() -> dict[str, Schema]:
    rows = {
        "alertSignal": AlertSignal,
        "changeSignal": ChangeSignal,
        "telemetrySignal": TelemetrySignal,
        "tickSignal": TickSignal,
    }
    return {
        name: _message(f"Internal: {kind.__name__}", "the environment", _own(kind))
        for name, kind in rows.items()
    }


def _outputs() -> dict[str, Schema]:
    reasons = sorted(reason.value for reason in DropReason)
    return {
        "incident": _message(
            "An incident at one revision",
            "the incident's id",
            {"$ref": "./incident.schema.json"},
            _incident_headers(),
        ),
        "setAside": _message(
            "An alert that ended outside every incident",
            "the alert's fingerprint",
            _own(AlertSetAside),
            {"content-type": {"const": "application/json"}, "rootline.reason": {"enum": reasons}},
        ),
        "deadLetter": {
            **_message("A message that could not be used", "as it was", {}, _letter_headers()),
            "contentType": "application/octet-stream",
        },
        "verdict": _message(
            "An operator's confirmation or correction",
            "the incident's id",
            {"$ref": "./verdict.schema.json"},
            _event_headers(),
        ),
    }


def _memories() -> dict[str, Schema]:
    headers = ("format", "id", "offset", "generation", "chunk", "crc32")
    return {
        "stateChunk": {
            **_message(
                "Internal: a piece of a compressed snapshot",
                "slot/chunk",
                {},
                {f"rootline.snapshot.{name}": {"type": "string"} for name in headers},
            ),
            "contentType": "application/octet-stream",
        },
        "caseRow": {
            **_message(
                "Internal: the last question of an incident, without names, as JSON lines",
                "the incident's id",
                {},
                {"content-type": {"const": "application/jsonl"}},
            ),
            "contentType": "application/jsonl",
        },
        "notified": _message(
            "Internal: what a receiver was last told", "receiver|incident id", _own(Sent)
        ),
        "redriven": _message(
            "Internal: how far a run of redrive came with a dead letter",
            "dead-letter/partition/offset",
            _own(Entry),
        ),
    }


def _message(
    title: str, key: str, payload: Schema, headers: dict[str, Schema] | None = None
) -> Schema:
    message: Schema = {"title": title, "payload": payload}
    if headers:
        message["headers"] = {"type": "object", "properties": headers}
    key_schema = {"type": "string", "description": key}
    message["bindings"] = {"kafka": {"key": key_schema, "bindingVersion": KAFKA_BINDING}}
    return message


def _own(kind: type[Any]) -> Schema:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _event_headers() -> dict[str, Schema]:
    return {
        "content-type": {"type": "string", "description": "application/cloudevents+json or plain"},
        "ce_time": {"type": "string", "description": "CloudEvents in binary mode: all of ce_*"},
        "rootline-received-ms": {"type": "string", "description": "set by the gateway"},
    }


def _incident_headers() -> dict[str, Schema]:
    kinds = sorted(f"io.rootline.incident.{each.value}" for each in Transition)
    return {
        "ce_specversion": {"const": "1.0"},
        "ce_type": {"enum": kinds},
        "ce_source": {"type": "string", "description": "/rootline/{environment}"},
        "ce_id": {"type": "string", "description": "{incident_id}:{revision}"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string", "description": "the incident's id"},
        "content-type": {"const": "application/json"},
    }


def _letter_headers() -> dict[str, Schema]:
    kinds = sorted({*(each.value for each in Rejection), "refused", "expired"})
    text = {"type": "string"}
    place = ("topic", "partition", "offset")
    return {
        **{f"rootline.error.{name}": text for name in (*place, "timestamp", "reason")},
        "rootline.error.stage": {"enum": ["correlate", "gateway", "notify", "reduce", "verdicts"]},
        "rootline.error.kind": {"enum": kinds},
        "rootline.error.cut_from_bytes": text,
        **{f"__streams.errors.{name}": text for name in (*place, "exception", "message")},
    }


def _draft7(schema: Any) -> Any:
    """Write tuples as AsyncAPI's dialect (JSON Schema draft 7) does.

    >>> _draft7({"prefixItems": [{"type": "string"}], "items": False})
    {'additionalItems': False, 'items': [{'type': 'string'}]}
    """
    if isinstance(schema, list):
        return [_draft7(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _draft7(each) for name, each in schema.items()}
    if "prefixItems" in plain:
        plain["additionalItems"] = plain.pop("items", False)
        plain["items"] = plain.pop("prefixItems")
    return plain
