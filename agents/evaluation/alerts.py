"""The alerts of a recording with their components, decoded once for baselines."""

from dataclasses import dataclass

from models.baselines.case import AlertCount
from pipeline.rule_class import is_cause_type
from schemas.alert import Alert, AlertStatus
from schemas.codecs.alerts import decode_alerts
from schemas.errors import SchemaError
from schemas.recording import Recording
from schemas.resolve import Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAlert:
    """An alert that began to fire and the component that it is about."""

    component: str
    alert: Alert


def seen_alerts(recording: Recording, resolver: Resolver) -> list[SeenAlert]:
    """List the alerts that began to fire, in order of time; what cannot be read is left out."""
    first: dict[tuple[str, int], SeenAlert] = {}
    for message in recording.alerts:
        try:
            alerts = decode_alerts(message.value, received_ms=message.arrived_ms)
        except SchemaError:
            continue
        for alert in alerts:
            if alert.status is AlertStatus.FIRING:
                component = resolver.component(alert.labels).component.name
                key = (alert.fingerprint, alert.starts_ms)
                first.setdefault(key, SeenAlert(component=component, alert=alert))
    return sorted(first.values(), key=lambda s: (s.alert.starts_ms, s.alert.fingerprint))


def counted(seen: list[SeenAlert], from_ms: int, until_ms: int) -> dict[str, AlertCount]:
    """Count the alerts that began in a window by component, each fingerprint once."""
    by_component: dict[str, dict[str, Alert]] = {}
    for one in seen:
        if from_ms <= one.alert.starts_ms <= until_ms:
            by_component.setdefault(one.component, {})[one.alert.fingerprint] = one.alert
    return {
        name: AlertCount(
            alerts=len(alerts),
            causes=sum(is_cause_type(alert) for alert in alerts.values()),
            rules=len({alert.rule for alert in alerts.values()}),
        )
        for name, alerts in sorted(by_component.items())
    }
