"""Numbered alerts in Alertmanager's dialect: storms on linked and on unlinked services."""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from models.simulator.alertmanager import rfc3339

LINKED, LONE, ALONE = "linked", "lone", "alone"
_RULES = ("HighLatency", "HighErrorRate", "SaturatedPool", "SlowStatements", "QueueGrows")
_LONE_SERVICES = 300
_UNRESOLVED = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one storm is made of; `linked` are environments with telemetry and their services.

    Of the alerts `linked_share` go to linked services, `alone_share` to services that nothing else
    happens on, the rest to services without telemetry that several alerts name.
    """

    alerts: int
    storm_seconds: float
    linked: dict[str, tuple[str, ...]]
    unlinked: tuple[str, ...]
    per_message: int = 10
    linked_share: float = 0.4
    alone_share: float = 0.1


def fingerprint(cycle: int, number: int) -> str:
    """Name an alert, so that its cycle can be read back.

    >>> fingerprint(2, 255)
    'a0020000000000ff'
    """
    return f"a{cycle:03x}{number:012x}"


def cycle_of(text: str) -> int | None:
    """Return the cycle that a fingerprint was made in; None for one that we did not make.

    >>> cycle_of("a0020000000000ff"), cycle_of("e23fa471b2e01b83")
    (2, None)
    """
    return int(text[1:4], 16) if text.startswith("a") and len(text) == 16 else None


def firing(plan: Plan, cycle: int, start_ms: int) -> Iterator[tuple[int, bytes]]:
    """Return when to send which message, spread evenly over the storm."""
    yield from _messages(plan, cycle, start_ms, start_ms, None)


def resolving(
    plan: Plan, cycle: int, start_ms: int, resolve_ms: int
) -> Iterator[tuple[int, bytes]]:
    """Return the messages that end what `firing` began, from `resolve_ms` on."""
    yield from _messages(plan, cycle, start_ms, resolve_ms, resolve_ms)


def _messages(
    plan: Plan, cycle: int, start_ms: int, send_ms: int, end_ms: int | None
) -> Iterator[tuple[int, bytes]]:
    step_ms = plan.storm_seconds * 1000 / plan.alerts
    for first in range(0, plan.alerts, plan.per_message):
        numbers = range(first, min(first + plan.per_message, plan.alerts))
        kind, environment = _stream(plan, first // plan.per_message)
        alerts = [
            _alert(plan, cycle, n, (kind, environment), round(start_ms + n * step_ms), end_ms)
            for n in numbers
        ]
        status = "firing" if end_ms is None else "resolved"
        body = {"version": "4", "status": status, "receiver": "rootline", "alerts": alerts}
        yield round(send_ms + numbers[-1] * step_ms), orjson.dumps(body)


def _word(number: int) -> str:
    """Spell a number in letters: services that differ in a number alone count as replicas.

    >>> _word(27)
    'bb'
    """
    letters = ""
    while number or not letters:
        number, digit = divmod(number, 26)
        letters = chr(ord("a") + digit) + letters
    return letters


def _stream(plan: Plan, message: int) -> tuple[str, str]:
    """Which sort of alerts a message has, of which environment: shares as exact as can be."""
    part = (message % 100) / 100
    if part < plan.linked_share:
        names = sorted(plan.linked)
        return LINKED, names[message % len(names)]
    kind = ALONE if part < plan.linked_share + plan.alone_share else LONE
    return kind, plan.unlinked[message % len(plan.unlinked)]


def _alert(
    plan: Plan,
    cycle: int,
    number: int,
    stream: tuple[str, str],
    start_ms: int,
    end_ms: int | None,
) -> dict[str, object]:
    kind, environment = stream
    if kind == LINKED:
        services = plan.linked[environment]
        service = services[number * 7 % len(services)]
    elif kind == LONE:
        service = f"lone-{_word(number // plan.per_message * 13 % _LONE_SERVICES)}"
    else:
        service = f"alone-{_word(cycle * plan.alerts + number)}"
    labels = {
        "alertname": _RULES[number % len(_RULES)],
        "service": service,
        "environment": environment,
        "severity": "warning",
        "number": str(number),
        "cycle": str(cycle),
    }
    return {
        "status": "firing" if end_ms is None else "resolved",
        "labels": labels,
        "annotations": {"summary": f"{labels['alertname']} on {service}"},
        "startsAt": rfc3339(start_ms),
        "endsAt": _UNRESOLVED if end_ms is None else rfc3339(max(end_ms, start_ms + 1)),
        "generatorURL": f"http://prometheus.example/graph?g0.expr={labels['alertname']}",
        "fingerprint": fingerprint(cycle, number),
    }
