"""Words and marks that all of the demo's views share. Text from telemetry goes through here."""

from datetime import UTC, datetime

from rich.text import Text

from agents.demo.scene import SeenAlert
from agents.notifier.plain import plain
from schemas.alert import Severity
from schemas.incident import IncidentCandidate

NAME = 40
SENTENCE = 200

SEVERITIES = {
    Severity.CRITICAL: ("critical", "bold red"),
    Severity.UNKNOWN: ("unknown", "magenta"),
    Severity.WARNING: ("warning", "yellow"),
    Severity.INFO: ("info", "cyan"),
}
REASONS = {
    "alone": "nothing related came within its window, and it pages nobody by itself",
    "late": "it came after everything had moved on",
    "flapping": "it changes its state too often to open anything",
    "resolved_unseen": "it was over before it was seen to fire",
    "overflow": "too many alerts were waiting",
    "waits for company": "alone so far; set aside unless something related comes within 5 minutes",
}
_FULL, _EMPTY = "█", "░"


def clock(event_ms: int) -> str:
    """Write a moment as time of day, in UTC.

    >>> clock(1_772_445_661_500)
    '10:01:01'
    """
    return datetime.fromtimestamp(event_ms / 1000, UTC).strftime("%H:%M:%S")


def thousands(number: int) -> str:
    """Write a large number short.

    >>> thousands(950), thousands(83_210), thousands(407_559)
    ('950', '83 k', '408 k')
    """
    return str(number) if number < 10_000 else f"{number / 1000:.0f} k"


def bar(share: float, width: int) -> str:
    """Draw a share as a bar.

    >>> bar(0.5, 4), bar(0.001, 4)
    ('██░░', '░░░░')
    """
    full = round(max(0.0, min(1.0, share)) * width)
    return _FULL * full + _EMPTY * (width - full)


def line(*parts: str | tuple[str, str]) -> Text:
    """Put parts, each with or without a style, on one line that is cut where there is no room."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def name(text: str) -> str:
    """Make a component's name fit to be shown."""
    return plain(text, NAME) or "(unnamed)"


def sentence(text: str) -> str:
    """Make a sentence fit to be shown."""
    return plain(text, SENTENCE)


def alert_line(seen: SeenAlert) -> Text:
    """One alert on one line."""
    word, style = SEVERITIES[seen.alert.severity]
    return line(
        (f"{clock(seen.alert.starts_ms)}  ", "dim"),
        (f"{word:<9}", style),
        (f"{name(seen.component):<20} ", "bold"),
        plain(seen.alert.rule, 60),
    )


def pattern_title(candidate: IncidentCandidate) -> str:
    """What is wrong with a candidate, as far as a pattern says."""
    best = max(candidate.patterns, key=lambda found: found.probability, default=None)
    return plain(best.title, 90) if best is not None else ""


def supporting(candidate: IncidentCandidate) -> list[str]:
    """Evidence for a candidate in sentences; who is named by it comes first."""
    found = sorted(
        (e for e in candidate.evidence if e.supports and e.statement.strip()),
        key=lambda e: ("holder" not in e.details, -e.strength, e.kind, e.statement),
    )
    return list(dict.fromkeys(sentence(e.statement) for e in found))


def opposing(candidate: IncidentCandidate) -> list[str]:
    """Evidence against a candidate in sentences, the strongest first."""
    found = sorted(
        (e for e in candidate.evidence if not e.supports and e.statement.strip()),
        key=lambda e: (-e.strength, e.kind, e.statement),
    )
    return list(dict.fromkeys(sentence(e.statement) for e in found))
