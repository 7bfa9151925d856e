"""Alerts of importers as Alertmanager's webhook messages of version 4."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from models.simulator.alertmanager import ZERO_TIME, rfc3339
from schemas.codecs.fingerprint import fingerprint_of
from schemas.recording import Message
from schemas.telemetry import Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """One alert as it stands when a message tells of it; `end_ms` is None while it fires."""

    labels: Labels
    start_ms: int
    end_ms: int | None = None
    summary: str = ""


def webhook_message(states: Sequence[AlertState], *, arrived_ms: int) -> Message:
    """Return one notification of alerts that belong together (one `alertname`, or one alert)."""
    alerts = [_alert(state) for state in states]
    firing = any(state.end_ms is None for state in states)
    name = dict(states[0].labels).get("alertname", "")
    payload = {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{name}"}}',
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": "rootline",
        "groupLabels": {"alertname": name},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "",
        "alerts": alerts,
    }
    return Message(arrived_ms=arrived_ms, value=orjson.dumps(payload))


def _alert(state: AlertState) -> dict[str, object]:
    return {
        "status": "firing" if state.end_ms is None else "resolved",
        "labels": dict(state.labels),
        "annotations": {"summary": state.summary} if state.summary else {},
        "startsAt": rfc3339(state.start_ms),
        "endsAt": ZERO_TIME if state.end_ms is None else rfc3339(state.end_ms),
        "generatorURL": "",
        "fingerprint": fingerprint_of(state.labels),
    }
