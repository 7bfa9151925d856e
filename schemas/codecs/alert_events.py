"""Alertmanager's event recorder (0.33+): protojson events, of which three kinds carry an alert.

protojson's rules: 64-bit numbers are decimal text, fields of default value are left out.
"""

from collections.abc import Mapping
from typing import Any

from schemas.alert import Alert, AlertStatus
from schemas.codecs.alert_fields import build_alert
from schemas.codecs.fingerprint import fingerprint_of
from schemas.codecs.instants import read_instant
from schemas.codecs.json_text import as_list, as_object, as_text, describe
from schemas.codecs.label_sets import read_annotations, read_labels
from schemas.codecs.limits import CodecLimits
from schemas.errors import SchemaError

_CARRIERS = ("alertCreated", "alertGrouped", "alertResolved")


def is_event(document: Mapping[str, Any]) -> bool:
    """Whether an object is an event: a time with an @, data, and no labels of its own."""
    return "@timestamp" in document and isinstance(document.get("data"), dict)


def read_event(document: Mapping[str, Any], limits: CodecLimits) -> tuple[Alert, ...]:
    """Read the alert of a created, grouped or resolved event; other events carry none."""
    data = as_object(document["data"], "data")
    for name in _CARRIERS:
        if name in data:
            event = as_object(data[name], f"data.{name}")
            recorded_ms = read_instant(document.get("@timestamp"), "@timestamp")
            return (_read(event, name, recorded_ms, limits),)
    return ()


def _read(
    event: Mapping[str, Any], name: str, recorded_ms: int | None, limits: CodecLimits
) -> Alert:
    where = f"data.{name}.alert"
    alert = as_object(event.get("alert"), where)
    # Grouped and resolved events wrap it beside its hash.
    if "details" in alert:
        alert = as_object(alert["details"], f"{where}.details")
    labels = read_labels(_pairs(alert.get("labels"), f"{where}.labels"), f"{where}.labels", limits)
    if not labels:
        msg = f"{where} has no labels, expected at least alertname: check the event recorder"
        raise SchemaError(msg)
    resolved = name == "alertResolved" or alert.get("resolved") is True
    starts_ms = read_instant(alert.get("startsAt"), f"{where}.startsAt") or recorded_ms
    ends_ms = read_instant(alert.get("endsAt"), f"{where}.endsAt") or recorded_ms
    if starts_ms is None:
        msg = f"{where} has no startsAt and the event no @timestamp: check the event recorder"
        raise SchemaError(msg)
    annotations = _pairs(alert.get("annotations"), f"{where}.annotations")
    return build_alert(
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        labels=labels,
        annotations=read_annotations(annotations, f"{where}.annotations", limits),
        times=(starts_ms, ends_ms if resolved else None),
        origin=(_fingerprint(alert.get("fingerprint"), where) or fingerprint_of(labels), ""),
        where=where,
    )


def _pairs(value: object, where: str) -> dict[str, Any]:
    """`{"labels": [{"key": k, "value": v}]}` to a map."""
    if value is None:
        return {}
    pairs: dict[str, Any] = {}
    for index, each in enumerate(as_list(as_object(value, where).get("labels", []), where)):
        pair = as_object(each, f"{where}[{index}]")
        key = as_text(pair.get("key"), f"{where}[{index}].key", len(str(pair.get("key"))))
        pairs[key] = pair.get("value", "")
    return pairs


def _fingerprint(value: object, where: str) -> str:
    """Write a decimal 64-bit number as 16 hexadecimal digits; "" where there is none."""
    if value is None:
        return ""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and int(text) < 1 << 64):
        msg = (
            f"{where}.fingerprint is {describe(value)}, expected a decimal 64-bit number as text:"
            " check the event recorder"
        )
        raise SchemaError(msg)
    return f"{int(text):016x}"
