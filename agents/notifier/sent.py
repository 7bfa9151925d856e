"""What was told to whom: the occasions of a message, and the state each one leaves behind."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import msgspec

Whole = Annotated[int, msgspec.Meta(ge=0, le=(1 << 53) - 1)]
"""A number that every reader of JSON keeps exactly, and that can be written again."""


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
    revision: Whole
    occasion: Occasion
    top: str
    confidence: float
    sent_at_ms: Whole
    top_changes: Whole = 0
