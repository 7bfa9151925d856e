"""What a metric is about: its class, which deviation is bad, how its samples are read.

A pure function of name, labels, unit and form, by the tables of pipeline/metric_pairs.py and
pipeline/metric_rules.py. The classes are the z_* measures of schemas/measures.py.
"""

import re
from dataclasses import replace

from pipeline.metric_meaning import Direction, MetricClass, MetricMeaning, Pairing, Reading
from pipeline.metric_pairs import PAIRED
from pipeline.metric_rule import POOL, Rule
from pipeline.metric_rules import DATED, FALLBACK, IGNORED_NAMES, KNOWN
from schemas.telemetry import Labels, MetricForm

__all__ = ["USAGE_FLOOR", "Direction", "MetricClass", "MetricMeaning", "classify", "normalised"]

FLOORS: dict[MetricClass, float] = {
    MetricClass.LATENCY: 1e-3,  # seconds
    MetricClass.ERRORS: 0.04,  # per second
    MetricClass.TRAFFIC: 0.2,  # per second
    MetricClass.CPU: 0.02,  # cores or share
    MetricClass.MEMORY: 4e6,  # bytes
    MetricClass.DISK: 1e5,  # bytes, bytes per second
    MetricClass.NETWORK: 0.5,  # packets per second
    MetricClass.POOL: 1.0,  # connections
    MetricClass.GC: 2e-3,  # seconds per second
    MetricClass.QUEUE: 5.0,  # messages
    MetricClass.THREADS: 2.0,
    MetricClass.RESTARTS: 5e-3,  # per second: one restart in a pane stands out
    MetricClass.AVAILABILITY: 0.05,
    MetricClass.CERTIFICATE: 3600.0,  # seconds left
    MetricClass.CACHE: 0.1,  # per second
    MetricClass.OTHER: 1.0,
}
"""The smallest scale of a class's series in its usual unit: less change than this is no news."""

RATIO_FLOOR = 0.02
"""The smallest scale of a share of something."""

ERROR_RATIO_FLOOR = 0.002
"""The smallest scale of a share of failed requests: one in a hundred, usually none, is news."""

USAGE_FLOOR = 0.05
"""The smallest scale of used / limit, which jumps by whole connections."""

HOLDER_LABELS = (
    "application_name",
    "client_id",
    "client",
    "client_name",
    "usename",
    "user",
    "username",
    "db_user",
    "consumer",
)
_ERROR_LABELS = (
    "status",
    "code",
    "status_code",
    "http_status",
    "http_status_code",
    "http_response_status_code",
    "response_code",
    "grpc_code",
    "outcome",
    "error_type",
    "exception",
    "level",
    "result",
)
_ERROR_VALUE = re.compile(
    r"^(5\d\d|5xx|server_error|error|fatal|fail(ed|ure)?"
    r"|unavailable|internal|deadlineexceeded|deadline_exceeded|unknown|dataloss)$"
)
_SUFFIX = re.compile(r"_(total|sum|count)$")
_UNIT_FACTOR = (
    # A unit in which numbers are larger than in the class's usual one, and by how much.
    (re.compile(r"milliseconds|millis|_ms(_|$)|^ms$"), MetricClass.LATENCY, 1e3),
    (re.compile(r"milliseconds|millis|_ms(_|$)|^ms$"), MetricClass.GC, 1e3),
    (re.compile(r"microseconds|_us(_|$)|^us$"), MetricClass.LATENCY, 1e6),
    (re.compile(r"nanoseconds|_ns(_|$)|^ns$"), MetricClass.LATENCY, 1e9),
    (re.compile(r"percent|^%$|millicores"), MetricClass.CPU, 1e2),
    (re.compile(r"bytes|^by$"), MetricClass.NETWORK, 1e4),
    (re.compile(r"percent|^%$"), MetricClass.CACHE, 1e1),
)
_SHARE = re.compile(r"ratio|percent|usage_share|utili[sz]ation|saturation|^1$|^%$")


_GENERIC_LIMIT = re.compile(r"(^|_)(max|limit|capacity|maximum)(_|$)")
_GENERIC_USED = re.compile(r"(^|_)(active|used|in_use|busy|current|open|borrowed|connected)(_|$)")
_IDLE = frozenset({"idle", "free", "available"})


def normalised(name: str) -> str:
    """Spell a metric name as Prometheus would.

    >>> normalised("db.client.connection.count")
    'db_client_connection_count'
    """
    return re.sub(r"[^a-z0-9_]+", "_", name.lower())


def classify(
    metric_name: str, labels: Labels, unit: str = "", form: MetricForm = MetricForm.UNKNOWN
) -> MetricMeaning:
    """Say what a series means.

    >>> m = classify("hikaricp_connections_pending", (), "")
    >>> m.metric_class.value, m.direction.value, m.reading.value
    ('pool', 'up', 'level')
    """
    name = normalised(metric_name.partition("/")[0])
    if IGNORED_NAMES.search(name) and not DATED.search(name):
        return MetricMeaning(
            metric_class=MetricClass.OTHER,
            direction=Direction.BOTH,
            reading=Reading.IGNORED,
            floor=1.0,
        )
    values = {normalised(key): value for key, value in labels}
    rule = _rule_of(name)
    reading = _reading(name, form, rule)
    metric_class = MetricClass(rule.metric_class)
    direction = rule.direction
    if metric_class in (MetricClass.TRAFFIC, MetricClass.LATENCY) and _counts_errors(
        name, reading, values
    ):
        metric_class, direction = MetricClass.ERRORS, Direction.UP
    metric_class, direction = _count_of_calls(name, reading, metric_class, direction)
    return MetricMeaning(
        metric_class=metric_class,
        direction=direction,
        reading=reading,
        floor=rule.floor or _floor(metric_class, name, unit.lower()),
        pairing=_pairing(rule, values),
        holder=_holder(metric_class, reading, values),
        stem=_stem(name, reading),
    )


def _rule_of(name: str) -> Rule:
    for rule in PAIRED:
        if rule.pattern.search(name):
            return rule
    for rule in KNOWN:
        if rule.pattern.search(name):
            return rule
    for pattern, metric_class, direction in FALLBACK:
        if pattern.search(name):
            found = Rule(pattern, metric_class.value, direction)
            return replace(found, pairing=_generic_pairing(name, metric_class))
    return Rule(_SUFFIX, MetricClass.OTHER.value, Direction.BOTH)


def _generic_pairing(name: str, metric_class: MetricClass) -> Pairing | None:
    """Pair `db_pool_active` with `db_pool_max`: same words but for the one that tells the role."""
    if metric_class not in (MetricClass.POOL, MetricClass.THREADS):
        return None
    if _GENERIC_LIMIT.search(name):
        return Pairing(_without(_GENERIC_LIMIT, name), "limit", POOL)
    if _GENERIC_USED.search(name):
        return Pairing(_without(_GENERIC_USED, name), "used", POOL)
    return None


def _without(pattern: re.Pattern[str], name: str) -> str:
    return "generic:" + pattern.sub("_", name, count=1).strip("_")


def _pairing(rule: Rule, values: dict[str, str]) -> Pairing | None:
    """Leave idle connections out of what is used, and other resources out of a limit."""
    if rule.pairing is None:
        return None
    state = values.get("state") or values.get("db_client_connection_state") or ""
    if rule.pairing.role == "used" and state in _IDLE and rule.pairing.key != "pg_connections":
        return None
    if values.get("resource", "memory") != "memory":
        return None
    return rule.pairing


def _reading(name: str, form: MetricForm, rule: Rule) -> Reading:
    if rule.reading in (Reading.STAMP, Reading.UPTIME, Reading.EXPIRY):
        return rule.reading
    match form:
        case MetricForm.GAUGE:
            return Reading.LEVEL
        case MetricForm.DELTA:
            return Reading.DELTA
        case MetricForm.COUNTER:
            return Reading.TOTAL if name.endswith("_sum") else Reading.RATE
        case MetricForm.UNKNOWN:
            if rule.reading is not None:
                return rule.reading
    suffix = _SUFFIX.search(name)
    if suffix is None:
        return Reading.LEVEL
    return Reading.TOTAL if suffix[1] == "sum" else Reading.RATE


def _counts_errors(name: str, reading: Reading, values: dict[str, str]) -> bool:
    if reading not in (Reading.RATE, Reading.DELTA) or name.endswith("_sum"):
        return False
    return any(
        _ERROR_VALUE.match(values[label].lower()) for label in _ERROR_LABELS if label in values
    )


def _count_of_calls(
    name: str, reading: Reading, metric_class: MetricClass, direction: Direction
) -> tuple[MetricClass, Direction]:
    """Read the _count of a latency histogram as traffic: it counts calls, not time."""
    counts = name.endswith("_count") and reading in (Reading.RATE, Reading.DELTA)
    if counts and metric_class is MetricClass.LATENCY:
        return MetricClass.TRAFFIC, Direction.BOTH
    return metric_class, direction


def _floor(metric_class: MetricClass, name: str, unit: str) -> float:
    floor = FLOORS[metric_class]
    for pattern, affected, factor in _UNIT_FACTOR:
        if affected is metric_class and (pattern.search(name) or pattern.search(unit)):
            return floor * factor
    if _SHARE.search(name) or unit in ("1", "%"):
        percent = "percent" in name or unit == "%"
        share = ERROR_RATIO_FLOOR if metric_class is MetricClass.ERRORS else RATIO_FLOOR
        return min(floor, share * (100 if percent else 1))
    return floor


def _holder(metric_class: MetricClass, reading: Reading, values: dict[str, str]) -> str:
    if metric_class is not MetricClass.POOL or reading is not Reading.LEVEL:
        return ""
    for label in HOLDER_LABELS:
        if values.get(label):
            return values[label]
    return ""


def _stem(name: str, reading: Reading) -> str:
    if reading in (Reading.TOTAL, Reading.RATE, Reading.DELTA) and name.endswith(
        ("_sum", "_count")
    ):
        return name.rsplit("_", 1)[0]
    return ""
