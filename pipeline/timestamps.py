"""Epoch milliseconds inside, RFC 3339 in UTC outside."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(time_ms: int) -> str:
    """Write a time with milliseconds.

    >>> rfc3339(1756720800123)
    '2025-09-01T10:00:00.123Z'
    """
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time_ms % 1000:03d}Z"
