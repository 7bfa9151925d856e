"""Decoding for the first stage: every message becomes something decoded or a dead letter.

Decoding is the only place where arbitrary exceptions are caught: it is a pure function of one
message and touches no state, so a codec's bug costs that message and never the partition.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from agents.telemetry import IntakeMetrics
from agents.worker.dead_letter import Complaint, DeadLetters, Rejection
from agents.worker.stage import Incoming, Outgoing, arrival_ms
from schemas.errors import SchemaError

T = TypeVar("T")
STAGE = "reduce"
RecordHeaders = Sequence[tuple[str, bytes]]
Decode = Callable[[bytes, RecordHeaders, int], T]
"""(value, headers, arrival in epoch milliseconds) -> something decoded, or SchemaError."""

_log = logging.getLogger("worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What all stages of the input topics share."""

    letters: DeadLetters
    metrics: IntakeMetrics
    future_ms: int

    def latest_ms(self, record: Incoming, now_ms: int) -> int:
        """The latest event time that a message may speak of: its arrival and some tolerance."""
        return arrival_ms(record, now_ms) + self.future_ms

    def decoded(self, decode: Decode[T], record: Incoming, now_ms: int) -> T | Outgoing:
        """Decode a message, or return its dead letter."""
        if record.value is None:
            return self.refuse(
                record, Rejection.EMPTY, "the message has no value; expected an encoded body"
            )
        try:
            return decode(record.value, record.headers, arrival_ms(record, now_ms))
        except SchemaError as error:
            return self.refuse(record, Rejection.UNDECODABLE, str(error))
        except Exception as error:
            return self.bug(record, error)

    def bug(self, record: Incoming, error: Exception) -> Outgoing:
        """Return the dead letter of a message on which a codec failed in a way it should not."""
        _log.exception(
            "a codec has a bug; the message is kept as a dead letter",
            extra={"topic": record.topic, "partition": record.partition, "offset": record.offset},
        )
        reason = (
            f"the decoder failed with {type(error).__name__}, which is a bug in Rootline; report "
            "it with this message, and send it again after an update"
        )
        return self.refuse(record, Rejection.CODEC_BUG, reason, exception=type(error).__name__)

    def future(self, record: Incoming, found: str, latest_ms: int) -> Outgoing:
        """Return the dead letter of a message that speaks of the future."""
        reason = (
            f"{found} dated after {_instant(latest_ms)}, more than {self.future_ms / 1000:.0f} s "
            "ahead of the arrival; set the sender's clock, or raise worker.future_seconds"
        )
        return self.refuse(record, Rejection.FUTURE_DATED, reason)

    def refuse(
        self,
        record: Incoming,
        rejection: Rejection,
        reason: str,
        *,
        exception: str = SchemaError.__name__,
    ) -> Outgoing:
        """Return the dead letter of a message."""
        complaint = Complaint(rejection=rejection, reason=reason, stage=STAGE, exception=exception)
        return self.letters.letter(record, complaint)


def _instant(epoch_ms: int) -> str:
    """Write an instant for a sentence.

    >>> _instant(0)
    '1970-01-01T00:00:00Z'
    """
    try:
        return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return f"{epoch_ms} ms"
