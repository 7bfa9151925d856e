"""The alerts of a recording with their components, decoded once for baselines."""

from collections import Counter
from dataclasses import dataclass

from models.baselines.case import AlertCount
from pipeline.alert_topic import TOPICS, call_of, topic_of
from pipeline.rule_class import is_cause_type
from schemas.alert import Alert, AlertStatus
from schemas.codecs.alerts import decode_alerts
from schemas.errors import SchemaError
from schemas.recording import Recording
from schemas.resolve import Resolver

_CAUSE, _CALLING = "cause", "calling"
_KINDS = (*TOPICS, _CAUSE, _CALLING)


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
    """Count the alerts that began in a window by component, each fingerprint once.

    Kinds are the topics of pipeline/alert_topic.py, whether the rule is of a cause, and, for a
    caller, alerts that speak of its calls.
    """
    inside = {
        one.alert.fingerprint: one for one in seen if from_ms <= one.alert.starts_ms <= until_ms
    }
    total: Counter[str] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    for one in inside.values():
        total[one.component] += 1
        kinds[one.component, topic_of(one.alert)] += 1
        kinds[one.component, _CAUSE] += is_cause_type(one.alert)
        call = call_of(one.alert)
        if call is not None:
            kinds[call.caller, _CALLING] += 1
    return {
        name: AlertCount(alerts=total[name], kinds=tuple(kinds[name, kind] for kind in _KINDS))
        for name in sorted({*total, *(name for name, _ in kinds)})
    }
