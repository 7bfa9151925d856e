"""TVDiag's alert events as alerts: one a message, in the order of each list."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from agents.importers.errors import LayoutError
from agents.importers.series import component_of
from agents.importers.webhook import AlertState, webhook_message
from schemas.recording import Message
from schemas.telemetry import labels_of

QUIET_MS = 60_000
"""How long a recording is quiet before the first event."""
EVENTS_MS = 60_000
"""The time over which the events of each list are spread evenly."""
MOST_REPEATS = 20
"""How many events that say the same are kept."""
OUTSIDE = "outside"
TEXT_CHARS = 4_000
"""Longest part of an event: each becomes a label, and the codec takes little more."""
_NOBODY = ("", "-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvents:
    """The three lists of a case.

    Metrics are [instance, (host), metric, direction], traces [caller, callee, operation, type],
    logs [instance, template].
    """

    metrics: list[list[str]]
    traces: list[list[str]]
    logs: list[list[str]]

    def calls(self) -> set[tuple[str, str]]:
        """Return who was seen calling whom."""
        calls = (_parts(event, 4) for event in self.traces)
        return {(_named(caller), _named(callee)) for caller, callee, *_ in calls}


def messages(events: AlertEvents, start_ms: int) -> tuple[Message, ...]:
    """Return all events as messages in the order of time."""
    placed: list[tuple[int, dict[str, str]]] = []
    for labels in (
        [_of_metric(event) for event in events.metrics],
        [_of_trace(event) for event in events.traces],
        [_of_log(event) for event in events.logs],
    ):
        for index, each in enumerate(labels):
            offset_ms = QUIET_MS + round(EVENTS_MS * index / len(labels))
            placed.append((start_ms + offset_ms, each))
    placed.sort(key=lambda row: row[0])
    return tuple(
        webhook_message([AlertState(labels=labels_of(labels), start_ms=at_ms)], arrived_ms=at_ms)
        for at_ms, labels in _told_apart(placed)
    )


def _told_apart(
    placed: list[tuple[int, dict[str, str]]],
) -> Iterator[tuple[int, dict[str, str]]]:
    """Number the repeats of one event, so that each is an alert of its own."""
    seen: Counter[tuple[tuple[str, str], ...]] = Counter()
    for at_ms, labels in placed:
        key = labels_of(labels)
        seen[key] += 1
        if seen[key] == 1:
            yield at_ms, labels
        elif seen[key] <= MOST_REPEATS:
            yield at_ms, {**labels, "occurrence": str(seen[key])}


def _named(name: str) -> str:
    return OUTSIDE if name in _NOBODY else component_of(name).name


def _parts(event: list[str], *counts: int) -> list[str]:
    if not _is_of_texts(event) or len(event) not in counts:
        expected = " or ".join(map(str, counts))
        msg = (
            f"tvdiag has an event {repr(event)[:200]}, expected {expected} texts;"
            " unpack the set again"
        )
        raise LayoutError(msg)
    return event


def _is_of_texts(event: object) -> bool:
    if not isinstance(event, list):
        return False
    return all(isinstance(part, str) and len(part) <= TEXT_CHARS for part in event)


def _of_metric(event: list[str]) -> dict[str, str]:
    instance, *_, metric, direction = _parts(event, 3, 4)
    return {
        "alertname": f"{metric}_{direction}",
        "service": instance,
        "metric": metric,
        "direction": direction,
        "severity": "warning",
    }


def _of_trace(event: list[str]) -> dict[str, str]:
    caller, callee, operation, status = _parts(event, 4)
    return {
        "alertname": "CallLatency" if status == "PD" else "CallErrors",
        "source_workload": _named(caller),
        "destination_workload": _named(callee),
        "service": _named(callee),
        "operation": operation,
        "status": status,
        "severity": "warning",
    }


def _of_log(event: list[str]) -> dict[str, str]:
    instance, template = _parts(event, 2)
    return {
        "alertname": "LogTemplate",
        "service": instance,
        "template": template,
        "severity": "info",
    }
