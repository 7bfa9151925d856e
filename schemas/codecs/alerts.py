"""Alerts in every dialect that lands on the `alerts` topic, told apart by their shape.

Alertmanager's webhook (version 4), bridges' single alerts, API v2 lists, the event recorder and
Grafana's contact points; plain or as CloudEvents. Unknown fields are ignored.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.alert import Alert
from schemas.codecs.alert_events import is_event, read_event
from schemas.codecs.alert_fields import Surroundings, read_alert
from schemas.codecs.cloudevents import Headers, open_json
from schemas.codecs.instants import read_instant
from schemas.codecs.json_text import as_list, as_object, describe, parse_json
from schemas.codecs.limits import DEFAULT_LIMITS, CodecLimits, check_count
from schemas.errors import SchemaError


def decode_alerts(
    value: bytes,
    headers: Headers = (),
    *,
    received_ms: int | None = None,
    limits: CodecLimits = DEFAULT_LIMITS,
) -> tuple[Alert, ...]:
    """Decode one message to its alerts, in their order.

    Args:
        value: the message.
        headers: its Kafka headers.
        received_ms: the record's Kafka timestamp. It tells a postable alert that has ended from
            one that merely times out later, and stands in for a start that is left out.
        limits: what one message may hold.
    """
    opened = open_json(value, headers, limits)
    sent_ms = received_ms
    if sent_ms is None and opened.time:
        sent_ms = read_instant(opened.time, "the CloudEvents time")
    return _Reader(sent_ms, limits).read(opened.document)


class _Reader:
    """Recognises the shapes, counting alerts over the whole message."""

    def __init__(self, sent_ms: int | None, limits: CodecLimits) -> None:
        self._sent_ms = sent_ms
        self._limits = limits

    def read(self, document: object) -> tuple[Alert, ...]:
        """Read a document of any of the shapes."""
        if isinstance(document, list):
            return self._collect(self._items_of_list(document))
        if not isinstance(document, dict):
            raise SchemaError(_unrecognised(document))
        if "alerts" in document:
            return self._collect(self._items_of_group(document, ""))
        if "labels" in document:
            return self._collect(iter([(document, "the alert", self._around(document))]))
        if document.get("client") == "Grafana" and "incident_key" in document:
            return self._grafana_record(document)
        if is_event(document):
            return read_event(document, self._limits)
        raise SchemaError(_unrecognised(document))

    def _items_of_list(self, items: list[Any]) -> "_Items":
        """API v2: alerts, or groups of alerts."""
        limit = self._limits.alerts_per_message
        check_count(len(items), limit, "alerts", "alerts_per_message")
        for index, item in enumerate(items):
            where = f"[{index}]"
            if isinstance(item, dict) and "alerts" in item:
                yield from self._items_of_group(item, where)
            else:
                yield item, where, self._around({})

    def _items_of_group(self, group: Mapping[str, Any], prefix: str) -> "_Items":
        around = self._around(group)
        for index, item in enumerate(as_list(group["alerts"], f"{prefix}alerts")):
            yield item, f"{prefix}alerts[{index}]", around

    def _around(self, document: Mapping[str, Any]) -> Surroundings:
        """Bridges add `@timestamp`, the time of receipt, which is better than Kafka's."""
        sent_ms = read_instant(document.get("@timestamp"), "@timestamp")
        status = document.get("status")
        return Surroundings(
            sent_ms=self._sent_ms if sent_ms is None else sent_ms,
            limits=self._limits,
            status=status if isinstance(status, str) else "",
        )

    def _collect(self, items: "_Items") -> tuple[Alert, ...]:
        alerts: list[Alert] = []
        limit = self._limits.alerts_per_message
        for count, (item, where, around) in enumerate(items, 1):
            check_count(count, limit, "alerts", "alerts_per_message")
            alert = read_alert(as_object(item, where), where, around)
            if alert is not None:
                alerts.append(alert)
        return tuple(alerts)

    def _grafana_record(self, record: Mapping[str, Any]) -> tuple[Alert, ...]:
        """Grafana's Kafka contact point: text, unless its template writes alerts as JSON."""
        details = record.get("details")
        text = details.strip() if isinstance(details, str) else ""
        if text[:1] not in ("{", "["):
            msg = (
                "the message is Grafana's Kafka contact point with alerts as text, which has no"
                " labels and no times: set the contact point's details template to write the"
                " alerts as JSON, or use the webhook contact point"
            )
            raise SchemaError(msg)
        inner = parse_json(text.encode("utf-8", "surrogatepass"), self._limits)
        if isinstance(inner, dict) and "incident_key" in inner:
            raise SchemaError(_unrecognised(inner))
        return self.read(inner)


_Items = Iterator[tuple[Any, str, Surroundings]]


def _unrecognised(document: object) -> str:
    found = describe(document)
    if isinstance(document, dict):
        keys = ", ".join(sorted(str(key)[:40] for key in document)[:8])
        found = f"an object with the fields {keys}" if keys else "an empty object"
    return (
        f"found {found}, expected alerts: an Alertmanager webhook with alerts[], one alert with"
        " labels, an API v2 list, or an event of the event recorder: check what is sent to this"
        " topic"
    )
