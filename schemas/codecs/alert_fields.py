"""One alert object of the Alertmanager family to an `Alert`.

Webhook alerts, bridges' single alerts, API v2's postable and gettable alerts and Grafana's differ
only in where the status is; all of that is here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.alert import Alert, AlertStatus
from schemas.codecs.fingerprint import fingerprint_of, is_fingerprint
from schemas.codecs.instants import read_instant
from schemas.codecs.json_text import as_text, describe
from schemas.codecs.label_sets import read_annotations, read_labels
from schemas.codecs.limits import CodecLimits
from schemas.errors import SchemaError
from schemas.telemetry import Labels

SUPPRESSED = "suppressed"
"""API v2's word for silenced or inhibited: Alertmanager would not notify, so neither do we."""

_API_STATES = ("active", SUPPRESSED, "unprocessed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the message around an alert says: defaults for what the alert leaves out."""

    sent_ms: int | None  # when the message was received or sent; None where nothing says
    limits: CodecLimits
    status: str = ""  # the group's


def read_alert(item: Mapping[str, Any], where: str, around: Surroundings) -> Alert | None:
    """Read one alert object; None for one that is silenced or inhibited."""
    limits = around.limits
    labels = read_labels(item.get("labels"), f"{where}.labels", limits)
    if not labels:
        msg = f"{where} has no labels, expected at least alertname: correct the sender"
        raise SchemaError(msg)
    ends_ms = read_instant(item.get("endsAt"), f"{where}.endsAt")
    status = _status(item, where, around, ends_ms)
    if status is None:
        return None
    starts_ms = _starts(item, where, around, ends_ms)
    if status is AlertStatus.FIRING:
        # An end in the future is when a firing alert times out if nobody repeats it.
        ends_ms = None
    return build_alert(
        status=status,
        labels=labels,
        annotations=read_annotations(item.get("annotations"), f"{where}.annotations", limits),
        times=(starts_ms, ends_ms),
        origin=(_fingerprint(item, where, labels), _url(item, where, limits)),
        where=where,
    )


def build_alert(
    *,
    status: AlertStatus,
    labels: Labels,
    annotations: Labels,
    times: tuple[int, int | None],
    origin: tuple[str, str],
    where: str,
) -> Alert:
    """Put an alert together, refusing one that ends before it starts.

    Args:
        status: firing or resolved.
        labels: identify it.
        annotations: describe it.
        times: its start and end.
        origin: its fingerprint and generator URL.
        where: names it in an error.
    """
    starts_ms, ends_ms = times
    if ends_ms is not None and ends_ms < starts_ms:
        msg = (
            f"{where} ends {starts_ms - ends_ms} ms before it starts, expected endsAt after"
            " startsAt: check the sender's clock"
        )
        raise SchemaError(msg)
    return Alert(
        fingerprint=origin[0],
        status=status,
        labels=labels,
        annotations=annotations,
        starts_ms=starts_ms,
        ends_ms=ends_ms,
        generator_url=origin[1],
    )


def _status(
    item: Mapping[str, Any], where: str, around: Surroundings, ends_ms: int | None
) -> AlertStatus | None:
    status = item.get("status")
    if isinstance(status, dict):
        return _api_status(status, where)
    if status in (None, ""):
        status = around.status
    if status == "":
        return _postable_status(around, ends_ms)
    if status not in (AlertStatus.FIRING, AlertStatus.RESOLVED):
        shown = f'"{status[:40]}"' if isinstance(status, str) else describe(status)
        msg = f'{where}.status is {shown}, expected "firing" or "resolved": correct the sender'
        raise SchemaError(msg)
    return AlertStatus(status)


def _api_status(status: Mapping[str, Any], where: str) -> AlertStatus | None:
    """API v2 lists only what fires, with a state beside it."""
    state = status.get("state", "active")
    if state not in _API_STATES:
        msg = (
            f"{where}.status.state is {str(state)[:40]!r}, expected one of"
            f" {', '.join(_API_STATES)}: correct the sender"
        )
        raise SchemaError(msg)
    return None if state == SUPPRESSED else AlertStatus.FIRING


def _postable_status(around: Surroundings, ends_ms: int | None) -> AlertStatus:
    """A postable alert is resolved once its end has passed; a later end is a time-out."""
    if ends_ms is None or (around.sent_ms is not None and ends_ms > around.sent_ms):
        return AlertStatus.FIRING
    return AlertStatus.RESOLVED


def _starts(item: Mapping[str, Any], where: str, around: Surroundings, ends_ms: int | None) -> int:
    starts_ms = read_instant(item.get("startsAt"), f"{where}.startsAt")
    if starts_ms is not None:
        return starts_ms
    if around.sent_ms is None:
        msg = f"{where} has no startsAt, expected an RFC 3339 time: correct the sender"
        raise SchemaError(msg)
    # As Alertmanager does for a postable alert without a start.
    return around.sent_ms if ends_ms is None else min(ends_ms, around.sent_ms)


def _fingerprint(item: Mapping[str, Any], where: str, labels: Labels) -> str:
    """Take the sender's, or compute it where a bridge dropped or replaced it."""
    text = as_text(item.get("fingerprint"), f"{where}.fingerprint", 1024)
    return text.lower() if is_fingerprint(text) else fingerprint_of(labels)


def _url(item: Mapping[str, Any], where: str, limits: CodecLimits) -> str:
    url = item.get("generatorURL")
    return as_text(url, f"{where}.generatorURL", limits.annotation_value_chars)
