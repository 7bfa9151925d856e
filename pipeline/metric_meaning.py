"""The words in which a metric's meaning is told: class, direction, reading, pairing."""

from dataclasses import dataclass
from enum import StrEnum


class MetricClass(StrEnum):
    """What a metric measures; each has its measure `z_<class>`."""

    LATENCY = "latency"
    ERRORS = "errors"
    TRAFFIC = "traffic"
    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"
    NETWORK = "network"
    POOL = "pool"
    GC = "gc"
    QUEUE = "queue"
    THREADS = "threads"
    RESTARTS = "restarts"
    AVAILABILITY = "availability"
    CERTIFICATE = "certificate"
    CACHE = "cache"
    OTHER = "other"


class Direction(StrEnum):
    """Which deviation from normal is bad news."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


class Reading(StrEnum):
    """How the samples of a series become the value of a pane."""

    LEVEL = "level"  # mean of the samples
    RATE = "rate"  # increase of a counter per second
    DELTA = "delta"  # increase that the samples themselves give, per second
    TOTAL = "total"  # the _sum of a histogram: read as a mean, with its _count
    STAMP = "stamp"  # a start time: changes per second
    UPTIME = "uptime"  # seconds since a start: falls per second
    EXPIRY = "expiry"  # a date in seconds since 1970: seconds left
    IGNORED = "ignored"  # buckets, creation times, build information


@dataclass(frozen=True, slots=True)
class Pairing:
    """Used and limit of one resource.

    Series of one `key` meet where the labels named in `scope` agree.
    """

    key: str
    role: str  # "used" or "limit"
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricMeaning:
    """What a series means.

    `pairing` says that it is the used part or the limit of something; `holder` who holds what it
    counts; `floor` is the smallest scale its baseline may have, in the series' own unit; `stem` is
    the name that a histogram's _sum and _count share, "" where there is none.
    """

    metric_class: MetricClass
    direction: Direction
    reading: Reading
    floor: float
    pairing: Pairing | None = None
    holder: str = ""
    stem: str = ""

    def badness(self, z: float) -> float:
        """Turn a signed z into how bad it is.

        >>> MetricMeaning(
        ...     metric_class=MetricClass.AVAILABILITY,
        ...     direction=Direction.DOWN,
        ...     reading=Reading.LEVEL,
        ...     floor=0.05,
        ... ).badness(-20.0)
        20.0
        """
        match self.direction:
            case Direction.UP:
                return z
            case Direction.DOWN:
                return -z
            case Direction.BOTH:
                return abs(z)
