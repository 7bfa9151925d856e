"""What was told to whom: the occasions of a message, and the state each one leaves behind."""

from dataclasses import dataclass
from enum import StrEnum


class Occasion(StrEnum):
    """Why a message is sent; a closed set."""

    OPENED = "opened"
    TOP_CHANGED = "top_changed"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    MERGED = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The last message a receiver took about an incident.

    `top` is the component that people were told is the cause, "" while there was no credible one;
    `top_changes` counts the messages about a changed one.
    """

    receiver: str
    incident_id: str
    revision: int
    occasion: Occasion
    top: str
    confidence: float
    sent_at_ms: int
    top_changes: int = 0
