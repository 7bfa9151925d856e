"""What an HTTP answer means for a delivery, and how long to wait before the next attempt: pure."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from agents.notifier.config import NotifierConfig


class Verdict(StrEnum):
    """What one attempt came to; a closed set, each counted."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REFUSED = "refused"  # the receiver will not take this body, whatever we wait
    TOO_RICH = "too_rich"  # refused for its shape or size; a plainer body may pass


class Cause(StrEnum):
    """Why an attempt is made again; a closed set, each counted."""

    NONE = "none"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    CONNECTION = "connection"
    UNANSWERED = "unanswered"  # connected, and no answer: it may have been taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One attempt's verdict, the reason in words (never the URL), and what Retry-After asked."""

    verdict: Verdict
    reason: str = ""
    cause: Cause = Cause.NONE
    retry_after_ms: int | None = None


def judge(status: int, retry_after: str | None, now_ms: int) -> Answer:
    """Judge an HTTP status.

    >>> judge(200, None, 0).verdict.value, judge(404, None, 0).verdict.value
    ('delivered', 'refused')
    >>> judge(429, "2", 0).retry_after_ms
    2000
    """
    if 200 <= status < 300:
        return Answer(verdict=Verdict.DELIVERED)
    reason = f"HTTP status {status}"
    if status in {408, 425, 429} or status >= 500:
        return Answer(
            verdict=Verdict.RETRY,
            reason=reason,
            cause=Cause.RATE_LIMITED if status == 429 else Cause.SERVER_ERROR,
            retry_after_ms=retry_after_ms(retry_after, now_ms),
        )
    if status in {400, 413}:
        return Answer(verdict=Verdict.TOO_RICH, reason=reason)
    if 300 <= status < 400:
        return Answer(
            verdict=Verdict.REFUSED,
            reason=f"{reason}: redirects are not followed, configure the address it leads to",
        )
    return Answer(verdict=Verdict.REFUSED, reason=reason)


def retry_after_ms(value: str | None, now_ms: int) -> int | None:
    """Read a Retry-After header: seconds or an HTTP date; None when it is neither.

    >>> retry_after_ms("1.5", 0), retry_after_ms("soon", 0), retry_after_ms(None, 0)
    (1500, None, None)
    >>> retry_after_ms("Thu, 01 Jan 1970 00:01:00 GMT", 20_000)
    40000
    """
    if value is None or len(value) > 64:
        return None
    text = value.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return round(float(text) * 1_000)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(
        0, round((date - datetime.fromtimestamp(now_ms / 1_000, UTC)).total_seconds() * 1e3)
    )


def pause_ms(answer: Answer, failures: int, config: NotifierConfig, rng: random.Random) -> int:
    """Return how long to wait after the n-th failed attempt in a row (1 is the first).

    A receiver's Retry-After is honoured up to `retry_after_max_ms` and never shortened by our own
    back-off; without one the pause doubles, with jitter between half of it and the whole.
    """
    if answer.retry_after_ms is not None:
        # A little jitter on top: everybody who was told "2 s" comes back after 2 s.
        asked = min(answer.retry_after_ms, config.retry_after_max_ms)
        return asked + round(rng.uniform(0, 0.1) * config.retry_base_ms)
    # 2**30 base pauses exceed every cap; the exponent must not grow without end.
    doubled = config.retry_base_ms * (1 << min(failures - 1, 30))
    return round(min(config.retry_cap_ms, doubled) * rng.uniform(0.5, 1.0))
