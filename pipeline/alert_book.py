"""Every alert that is known by fingerprint: deduplication, resolves, flapping.

Alertmanager re-sends firing alerts for hours and resolved ones for minutes, and high-availability
pairs send everything twice; here each turn of an alert counts once.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.config import GroupingConfig
from pipeline.quietest import Quietest
from schemas.alert import Alert, AlertStatus
from schemas.component import Component
from schemas.signal import AlertSignal

_FLAP_WINDOW_MS = 900_000


class Turn(StrEnum):
    """What one alert message meant."""

    FIRED = "fired"  # a new firing, or the same alert fires again
    REPEATED = "repeated"  # nothing new
    RESOLVED = "resolved"  # a firing ended
    RESOLVED_UNSEEN = "resolved_unseen"  # the end of something never seen firing


@dataclass(slots=True, kw_only=True)
class AlertRecord:
    """The latest state of one fingerprint. `group` is where its current firing went."""

    alert: Alert
    component: Component
    starts_ms: int
    ends_ms: int | None
    seen_ms: int
    turns_ms: list[int] = field(default_factory=list)
    flapping: bool = False
    group: str | None = None

    @property
    def is_firing(self) -> bool:
        """Whether it fires now."""
        return self.ends_ms is None


class AlertBook:
    """Records by fingerprint, bounded; the one seen longest ago is forgotten first."""

    def __init__(self, config: GroupingConfig) -> None:
        self._config = config
        self.records: dict[str, AlertRecord] = {}
        self.generation = 0
        self._firing: dict[str, int] = {}
        self._quietest: Quietest | None = None

    def fold(self, signal: AlertSignal, now_ms: int) -> Turn:
        """Take in one alert message and say what it meant."""
        alert = signal.alert
        known = self.records.get(alert.fingerprint)
        if alert.status is AlertStatus.FIRING:
            turn = self._fire(signal, known, now_ms)
        else:
            turn = self._resolve(signal, known, now_ms)
        record = self.records[alert.fingerprint]
        record.seen_ms = max(record.seen_ms, now_ms)
        if self._quietest is not None:
            self._quietest.note(alert.fingerprint)
        if turn in {Turn.FIRED, Turn.RESOLVED}:
            record.turns_ms.append(now_ms)
            self._judge_flapping(record, now_ms)
        return turn

    def flaps(self, fingerprint: str, now_ms: int) -> int:
        """Return the state changes of the last 15 minutes beyond the first firing."""
        record = self.records.get(fingerprint)
        if record is None:
            return 0
        return max(0, sum(t > now_ms - _FLAP_WINDOW_MS for t in record.turns_ms) - 1)

    def firing_components(self) -> frozenset[str]:
        """Return the names of the components on which something fires now."""
        return frozenset(self._firing)

    def is_alerting(self, name: str) -> bool:
        """Whether something fires on this component now."""
        return name in self._firing

    def restore(self, records: dict[str, AlertRecord]) -> None:
        """Replace all records by a snapshot."""
        self.records = dict(records)
        self._quietest = None
        self._firing = {}
        for record in self.records.values():
            if record.is_firing:
                self._count(record.component.name, 1)

    def _fire(self, signal: AlertSignal, known: AlertRecord | None, now_ms: int) -> Turn:
        alert = signal.alert
        if known is None:
            self._make_room()
            self.records[alert.fingerprint] = AlertRecord(
                alert=alert,
                component=signal.component,
                starts_ms=alert.starts_ms,
                ends_ms=None,
                seen_ms=now_ms,
            )
            self._count(signal.component.name, 1)
            return Turn.FIRED
        if known.is_firing:
            # Of two starts of one firing the earlier is the true one.
            known.starts_ms = min(known.starts_ms, alert.starts_ms)
            known.alert = alert
            return Turn.REPEATED
        if alert.starts_ms <= known.starts_ms:
            return Turn.REPEATED  # an old copy of a firing whose end is already known
        known.alert, known.component = alert, signal.component
        known.starts_ms, known.ends_ms = alert.starts_ms, None
        self._count(known.component.name, 1)
        return Turn.FIRED

    def _resolve(self, signal: AlertSignal, known: AlertRecord | None, now_ms: int) -> Turn:
        alert = signal.alert
        ends_ms = alert.ends_ms if alert.ends_ms is not None else max(alert.starts_ms, now_ms)
        if known is None:
            self._make_room()
            self.records[alert.fingerprint] = AlertRecord(
                alert=alert,
                component=signal.component,
                starts_ms=alert.starts_ms,
                ends_ms=ends_ms,
                seen_ms=now_ms,
            )
            return Turn.RESOLVED_UNSEEN
        if not known.is_firing or ends_ms < known.starts_ms:
            return Turn.REPEATED
        known.alert, known.ends_ms = alert, ends_ms
        self._count(known.component.name, -1)
        return Turn.RESOLVED

    def _judge_flapping(self, record: AlertRecord, now_ms: int) -> None:
        """Hysteresis: flapping begins above one limit and ends below a lower one."""
        record.turns_ms = [t for t in record.turns_ms if t > now_ms - _FLAP_WINDOW_MS]
        turns = len(record.turns_ms) - 1
        if turns > self._config.flap_limit:
            record.flapping = True
        elif turns < self._config.flap_release:
            record.flapping = False

    def _make_room(self) -> None:
        if len(self.records) >= self._config.max_fingerprints:
            self._quietest = self._quietest or Quietest(self.records)
            gone = self.records.pop(self._quietest.first())
            if gone.is_firing:
                self._count(gone.component.name, -1)

    def _count(self, name: str, step: int) -> None:
        """Keep the set of alerting components; `generation` moves when the set changes."""
        count = self._firing.pop(name, 0) + step
        if count > 0:
            self._firing[name] = count
        if count == 0 or (count == 1 and step == 1):
            self.generation += 1
