"""Groups alerts and notifies as Alertmanager does: webhook payloads of version 4."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from models.simulator.alerting import Firing
from schemas.codecs.fingerprint import fingerprint_of
from schemas.recording import Message

GROUP_WAIT_MS = 5_000
GROUP_INTERVAL_MS = 15_000
DELIVERY_MS = 120
ZERO_TIME = "0001-01-01T00:00:00Z"
EXTERNAL_URL = "http://alertmanager.monitoring.svc:9093"


def rfc3339(ms: int) -> str:
    """Format a time as Go does.

    >>> rfc3339(1772445600120)
    '2026-03-02T10:00:00.12Z'
    """
    text = datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{ms % 1000:03d}".rstrip("0")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


@dataclass(slots=True)
class _Group:
    """One aggregation group: its alerts and what was last notified of them."""

    name: str
    firings: list[Firing] = field(default_factory=list)
    notified: dict[str, str] = field(default_factory=dict)


def notify(firings: Iterable[Firing], end_ms: int) -> list[Message]:
    """Return all notifications of a run, in the order in which they are sent."""
    groups: dict[str, _Group] = {}
    for firing in firings:
        groups.setdefault(firing.rule.name, _Group(firing.rule.name)).firings.append(firing)
    messages = [m for name in sorted(groups) for m in _flushes(groups[name], end_ms)]
    return sorted(messages, key=lambda message: message.arrived_ms)


def _flushes(group: _Group, end_ms: int) -> list[Message]:
    """Flush a group `group_wait` after its first alert, then every `group_interval`."""
    messages: list[Message] = []
    at = group.firings[0].start_ms + GROUP_WAIT_MS
    while at + DELIVERY_MS <= end_ms:
        current = _current(group, at)
        states = {fingerprint_of(f.labels): _status(f, at) + str(f.start_ms) for f in current}
        if any(group.notified.get(print_) != state for print_, state in states.items()):
            reason = _reason(group.notified, current, at)
            messages.append(
                Message(arrived_ms=at + DELIVERY_MS, value=_body(group, current, at, reason))
            )
            group.notified = {
                f: s for f, s in {**group.notified, **states}.items() if s.startswith("firing")
            }
        at += GROUP_INTERVAL_MS
        at = _skip_quiet(group, at)
    return messages


def _skip_quiet(group: _Group, at: int) -> int:
    """Jump over flushes of a group that is empty until its next alert starts."""
    if group.notified or any(
        f.start_ms <= at and _status(f, at) == "firing" for f in group.firings
    ):
        return at
    coming = [f.start_ms for f in group.firings if f.start_ms > at - GROUP_INTERVAL_MS]
    return max(at, min(coming) + GROUP_WAIT_MS) if coming else 1 << 62


def _current(group: _Group, at: int) -> list[Firing]:
    """Return the latest firing of each alert: firing ones, and those just resolved."""
    latest: dict[str, Firing] = {}
    for firing in group.firings:
        if firing.start_ms <= at:
            latest[fingerprint_of(firing.labels)] = firing
    return [
        firing
        for print_, firing in sorted(latest.items())
        if _status(firing, at) == "firing" or print_ in group.notified
    ]


def _status(firing: Firing, at: int) -> str:
    return "resolved" if firing.end_ms is not None and firing.end_ms <= at else "firing"


def _reason(notified: dict[str, str], current: list[Firing], at: int) -> str:
    if not notified:
        return "first notification"
    if all(_status(f, at) == "resolved" for f in current):
        return "all alerts resolved"
    known = all(fingerprint_of(f.labels) in notified for f in current)
    return "some alerts resolved" if known else "new alerts added"


def _body(group: _Group, firings: list[Firing], at: int, reason: str) -> bytes:
    alerts = [_alert(firing, at) for firing in firings]
    firing = any(alert["status"] == "firing" for alert in alerts)
    payload = {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{group.name}"}}',
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": "rootline",
        "groupLabels": {"alertname": group.name},
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": EXTERNAL_URL,
        "notification_reason": reason,
        "alerts": alerts,
    }
    return orjson.dumps(payload)


def _alert(firing: Firing, at: int) -> dict[str, Any]:
    status = _status(firing, at)
    resolved = status == "resolved" and firing.end_ms is not None
    return {
        "status": status,
        "labels": dict(firing.labels),
        "annotations": {
            "summary": firing.summary,
            "runbook_url": f"https://runbooks.example/{firing.rule.name}",
        },
        "startsAt": rfc3339(firing.start_ms),
        "endsAt": rfc3339(firing.end_ms or 0) if resolved else ZERO_TIME,
        "generatorURL": f"http://prometheus.monitoring.svc:9090/graph?g0.expr={firing.rule.name}",
        "fingerprint": fingerprint_of(firing.labels),
    }


def _common(maps: list[dict[str, str]]) -> dict[str, str]:
    """Return the pairs that all have."""
    first, *rest = maps
    return {k: v for k, v in first.items() if all(other.get(k) == v for other in rest)}
