"""How often a source may post: a token bucket for each, at most so many of them."""

import math
from collections import OrderedDict
from dataclasses import dataclass

_MAX_BUCKETS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many requests a second on average, so many at once; 0 a second is no limit."""

    per_second: float
    burst: int


class TokenBucket:
    """Fills by `per_second`, holds `burst`, gives one for each request.

    >>> bucket = TokenBucket(Rate(per_second=2.0, burst=1), now=0.0)
    >>> bucket.take(0.0), bucket.take(0.0), bucket.take(0.5)
    (0.0, 0.5, 0.0)
    """

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._held = float(rate.burst)
        self._at = now

    def take(self, now: float) -> float:
        """Take one; 0.0 when there was one, else the seconds until there is."""
        # A clock that stands still or goes back adds nothing.
        gained = max(0.0, now - self._at) * self._rate.per_second
        self._held = min(float(self._rate.burst), self._held + gained)
        self._at = max(self._at, now)
        if self._held >= 1.0:
            self._held -= 1.0
            return 0.0
        return (1.0 - self._held) / self._rate.per_second


class Rates:
    """The buckets of all who post, by name; who has not posted for the longest makes room."""

    def __init__(self, limit: int = _MAX_BUCKETS) -> None:
        self._limit = limit
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def wait_seconds(self, name: str, rate: Rate, now: float) -> int:
        """Count a request of somebody; 0 when it may pass, else whole seconds to wait."""
        if rate.per_second <= 0:
            return 0
        bucket = self._buckets.pop(name, None) or TokenBucket(rate, now)
        self._buckets[name] = bucket
        if len(self._buckets) > self._limit:
            self._buckets.popitem(last=False)
        return math.ceil(bucket.take(now))
