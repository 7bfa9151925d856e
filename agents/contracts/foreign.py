"""JSON Schemas of what producers send, as loose as the codecs are; docs/FORMATS.md has the rules.

The codecs decide what is taken. These say to a producer what to write, and a test holds the golden
messages of the codecs against them.
"""

from typing import Any

from schemas.codecs.verdicts import REVISIONS_LIMIT
from schemas.verdict import Outcome

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_LABELS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
_INSTANT: Schema = {"type": "string", "format": "date-time"}

_ALERT: Schema = {
    "title": "Alert",
    "description": "One alert as Alertmanager writes it; without a fingerprint one is computed.",
    "type": "object",
    "properties": {
        "status": {
            "description": "firing or resolved; of API v2 an object with the state.",
            "type": ["string", "object"],
        },
        "labels": _LABELS,
        "annotations": _LABELS,
        "startsAt": _INSTANT,
        "endsAt": _INSTANT,
        "generatorURL": _TEXT,
        "fingerprint": _TEXT,
    },
    "required": ["labels"],
}

ALERT_GROUP: Schema = {
    "title": "AlertGroup",
    "description": "Alertmanager's webhook (version 4) or Grafana's webhook contact point.",
    "type": "object",
    "properties": {
        "version": _TEXT,
        "groupKey": _TEXT,
        "status": _TEXT,
        "receiver": _TEXT,
        "groupLabels": _LABELS,
        "commonLabels": _LABELS,
        "commonAnnotations": _LABELS,
        "externalURL": _TEXT,
        "alerts": {"type": "array", "items": _ALERT},
    },
    "required": ["alerts"],
}

ALERT_LIST: Schema = {
    "title": "AlertList",
    "description": "Alertmanager's API v2: postable or gettable alerts, or groups of them.",
    "type": "array",
    "items": {"anyOf": [_ALERT, ALERT_GROUP]},
}

ALERT_EVENT: Schema = {
    "title": "AlertEvent",
    "description": "A line of Alertmanager's event recorder.",
    "type": "object",
    "properties": {"@timestamp": _INSTANT, "instance": _TEXT, "data": {"type": "object"}},
    "required": ["@timestamp", "data"],
}

ALERTS: Schema = {"oneOf": [_ALERT, ALERT_GROUP, ALERT_LIST, ALERT_EVENT]}

CHANGE: Schema = {
    "title": "ChangeEvent",
    "description": "Something was changed: a deploy, a configuration, a flag, a scale, a job run.",
    "type": "object",
    "properties": {
        "kind": {
            "type": "string",
            "description": "deploy, config, flag, scale, migration, job; other words are `other`.",
        },
        "service": {"type": "string", "description": "Short for the label of that name."},
        "labels": _LABELS,
        "at": {
            "description": "RFC 3339, or milliseconds since 1970; else the record's timestamp.",
            "type": ["string", "integer"],
        },
        "title": _TEXT,
        "version": _TEXT,
        "author": _TEXT,
        "id": {"type": "string", "description": "Identity; else a hash of the content."},
    },
    "required": ["kind"],
    "anyOf": [{"required": ["service"]}, {"required": ["labels"]}],
}

VERDICT: Schema = {
    "title": "Verdict",
    "description": "An operator's verdict on an incident's root cause; it becomes a case.",
    "type": "object",
    "properties": {
        "incident_id": {"type": "string", "minLength": 1},
        "outcome": {"enum": sorted(Outcome)},
        "component": {
            "type": "string",
            "description": "The root cause, as the incident names it.",
        },
        "pattern": {
            "type": "string",
            "description": "Its pattern, an id of the catalogue; empty where it is not known.",
        },
        "who": {"type": "string", "description": "Who says so; it does not go into the case."},
        "at": {
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339; else the record's timestamp.",
        },
        "note": {"type": "string", "description": "For people; it does not go into the case."},
        "revision": {
            "type": "integer",
            "minimum": 1,
            "maximum": REVISIONS_LIMIT,
            "default": 1,
            "description": "Counts verdicts on one incident: a higher one overrules a lower one.",
        },
    },
    "required": ["incident_id", "outcome"],
    "if": {"properties": {"outcome": {"const": Outcome.NOTHING_WRONG.value}}},
    "then": {"properties": {"component": {"const": ""}, "pattern": {"const": ""}}},
    "else": {"required": ["component"], "properties": {"component": {"minLength": 1}}},
}

SAMPLE: Schema = {
    "title": "Sample",
    "description": "One sample as prometheus-kafka-adapter writes it.",
    "type": "object",
    "properties": {
        "timestamp": _INSTANT,
        "value": {"description": 'Text such as "2.1" or "NaN".', "type": ["string", "number"]},
        "name": _TEXT,
        "labels": _LABELS,
    },
    "required": ["timestamp", "value", "name", "labels"],
}

OTLP_SPANS: Schema = {
    "title": "TracesData",
    "description": "OTLP's JSON form; the protobuf form has the same fields.",
    "type": "object",
    "properties": {"resourceSpans": {"type": "array", "items": {"type": "object"}}},
}

OTLP_METRICS: Schema = {
    "title": "MetricsData",
    "description": "OTLP's JSON form; the protobuf form has the same fields.",
    "type": "object",
    "properties": {"resourceMetrics": {"type": "array", "items": {"type": "object"}}},
}
