"""An alert: one signal, firing or resolved, about one component."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from schemas.telemetry import Labels


class AlertStatus(StrEnum):
    """Alertmanager's two states."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Severity(IntEnum):
    """How bad the sender says it is; UNKNOWN where it does not say."""

    INFO = 1
    WARNING = 2
    UNKNOWN = 3
    CRITICAL = 4


SEVERITY_WORDS: dict[str, Severity] = {
    "none": Severity.INFO,
    "info": Severity.INFO,
    "informational": Severity.INFO,
    "low": Severity.INFO,
    "p4": Severity.INFO,
    "p5": Severity.INFO,
    "warn": Severity.WARNING,
    "warning": Severity.WARNING,
    "minor": Severity.WARNING,
    "medium": Severity.WARNING,
    "p3": Severity.WARNING,
    "error": Severity.CRITICAL,
    "high": Severity.CRITICAL,
    "major": Severity.CRITICAL,
    "critical": Severity.CRITICAL,
    "crit": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "p1": Severity.CRITICAL,
    "p2": Severity.CRITICAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert as decoded, before anybody knows its component.

    `fingerprint` is Alertmanager's (16 hex digits over the labels), the same for all states of
    one alert. `ends_ms` is None while it fires.
    """

    fingerprint: str
    status: AlertStatus
    labels: Labels
    annotations: Labels = ()
    starts_ms: int
    ends_ms: int | None = None
    generator_url: str = ""

    @property
    def rule(self) -> str:
        """The name of the rule that fired (`alertname`), or "" where there is none."""
        return dict(self.labels).get("alertname", "")

    @property
    def severity(self) -> Severity:
        """The severity label (or `priority`) in any of its usual spellings."""
        labels = dict(self.labels)
        word = labels.get("severity") or labels.get("priority") or ""
        return SEVERITY_WORDS.get(word.strip().lower(), Severity.UNKNOWN)

    @property
    def event_ms(self) -> int:
        """When it happened: the end of a resolved alert, else its start."""
        if self.status is AlertStatus.RESOLVED and self.ends_ms is not None:
            return self.ends_ms
        return self.starts_ms
