"""A question about a window that somebody else chose: every alert in it, every component known.

Live, the engine finds onset, window and candidates itself. Published benchmarks give them, and so
does an operator who asks "who was it between ten and ten past?".
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.alert_book import AlertRecord
from pipeline.incident_state import Group, admit


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenWindow:
    """Where to look: `onset_ms` ends the past, `until_ms` the window.

    `symptom` names the component where trouble was seen, when no alert says so; `candidates` are
    judged, or, when empty, every component of the service graph.
    """

    onset_ms: int
    until_ms: int
    symptom: str = ""
    candidates: tuple[str, ...] = ()


def group_of_window(window: GivenWindow, records: Iterable[AlertRecord]) -> Group:
    """Put every alert that began in the window (or a minute before its onset) in one group."""
    group = Group(
        incident_id="given",
        dedup_key="given",
        first_ms=window.onset_ms,
        last_ms=window.onset_ms,
        created_ms=window.onset_ms,
    )
    for record in sorted(records, key=lambda r: (r.starts_ms, r.alert.fingerprint)):
        if window.onset_ms - 60_000 <= record.starts_ms <= window.until_ms:
            admit(group, alert=record.alert, component=record.component, reason="in the window")
    group.first_ms = window.onset_ms
    return group
