"""Alert messages taken apart into firings, joined across recordings, and written as messages.

A firing is one alert from its start to its end. Two recordings may raise the same alert at the
same time; a real Alertmanager would then know one alert that fires from the first start to the
last end, and so does `join_firings`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from operator import attrgetter

import orjson

from schemas.alert import Alert, AlertStatus
from schemas.codecs.alerts import decode_alerts
from schemas.errors import SchemaError
from schemas.recording import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One firing: when it was, when it was first told, when its end was; `owners` raised it.

    `told_ms` is None when only its end was told; `ends_ms` is None when its end never was.
    """

    alert: Alert
    starts_ms: int
    told_ms: int | None
    ends_ms: int | None = None
    end_told_ms: int | None = None
    owners: tuple[int, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Whose firing it is."""
        return self.alert.fingerprint


def read_firings(messages: Iterable[Message], shift_ms: int) -> list[Firing]:
    """Return every firing that the messages tell of, shifted; bad messages tell of none."""
    found: dict[tuple[str, int], Firing] = {}
    for message in sorted(messages, key=attrgetter("arrived_ms")):
        try:
            alerts = decode_alerts(message.value, received_ms=message.arrived_ms)
        except SchemaError:
            continue
        at_ms = message.arrived_ms + shift_ms
        for alert in alerts:
            starts_ms = alert.starts_ms + shift_ms
            key = (alert.fingerprint, starts_ms)
            known = found.get(key)
            if alert.status is AlertStatus.FIRING:
                if known is None:
                    found[key] = Firing(alert=alert, starts_ms=starts_ms, told_ms=at_ms)
                continue
            known = known or Firing(alert=alert, starts_ms=starts_ms, told_ms=None)
            if known.ends_ms is None:
                ends_ms = alert.ends_ms + shift_ms if alert.ends_ms is not None else at_ms
                found[key] = replace(known, ends_ms=ends_ms, end_told_ms=at_ms)
    return sorted(found.values(), key=lambda f: (f.starts_ms, f.fingerprint))


def join_firings(firings: Iterable[Firing]) -> list[Firing]:
    """Make one firing of those of one alert that touch, owned by all who own any of them."""
    joined: dict[str, list[Firing]] = {}
    for firing in sorted(firings, key=lambda f: (f.starts_ms, f.fingerprint, f.owners)):
        row = joined.setdefault(firing.fingerprint, [])
        if row and (row[-1].ends_ms is None or firing.starts_ms <= row[-1].ends_ms):
            row[-1] = _join(row[-1], firing)
        else:
            row.append(firing)
    everyone = [firing for row in joined.values() for firing in row]
    return sorted(everyone, key=lambda f: (f.starts_ms, f.fingerprint))


def messages_of(firings: Sequence[Firing], end_ms: int) -> tuple[Message, ...]:
    """Write each start and each end as a message of one alert, in the order of arrival."""
    messages: list[Message] = []
    for firing in firings:
        if firing.told_ms is not None:
            messages.append(_message(firing, firing.told_ms, None))
        if firing.end_told_ms is not None:
            messages.append(_message(firing, firing.end_told_ms, firing.ends_ms))
    kept = [m for m in messages if m.arrived_ms < end_ms]
    return tuple(sorted(kept, key=lambda m: (m.arrived_ms, m.value)))


def _join(first: Firing, second: Firing) -> Firing:
    told = [t for t in (first.told_ms, second.told_ms) if t is not None]
    still = first.ends_ms is None or second.ends_ms is None
    return replace(
        first,
        told_ms=min(told, default=None),
        ends_ms=None if still else max(first.ends_ms or 0, second.ends_ms or 0),
        end_told_ms=None if still else max(first.end_told_ms or 0, second.end_told_ms or 0),
        owners=tuple(sorted({*first.owners, *second.owners})),
    )


def _message(firing: Firing, arrived_ms: int, ends_ms: int | None) -> Message:
    content: dict[str, object] = {
        "status": "firing" if ends_ms is None else "resolved",
        "labels": dict(firing.alert.labels),
        "annotations": dict(firing.alert.annotations),
        "startsAt": _text(firing.starts_ms),
        "generatorURL": firing.alert.generator_url,
        "fingerprint": firing.fingerprint,
    }
    if ends_ms is not None:
        content["endsAt"] = _text(ends_ms)
    return Message(arrived_ms=arrived_ms, value=orjson.dumps(content))


def _text(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
