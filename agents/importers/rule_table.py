"""The fixed alert rules of imported sets that come without alerts (docs/IMPORT.md lists them).

Thresholds speak of a series against its own past, in the units that `RuleSeries` asks for.
Invariant: they are the same for every set. docs/IMPORT.md says on which data they were looked at.
"""

from dataclasses import dataclass

from pipeline.metric_meaning import MetricClass

CRITICAL = "critical"
WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When a series of one class is alerted on; all that is set must hold.

    `factor` is against the median of the past, `change` the smallest difference to it, `score` the
    smallest robust z; `beyond` asks for that many times the past's 95th percentile (where the rule
    `falls`: below the 5th divided by it, so that what is often at zero does not fall to it), and
    `limit` is absolute.
    """

    name: str
    metric_class: MetricClass
    severity: str
    summary: str
    falls: bool = False
    factor: float = 1.0
    change: float = 0.0
    score: float = 0.0
    beyond: float = 1.0
    limit: float | None = None


def _resource(name: str, metric_class: MetricClass, summary: str, beyond: float) -> Rule:
    return Rule(
        name=name,
        metric_class=metric_class,
        severity=WARNING,
        summary=summary,
        score=6.0,
        beyond=beyond,
    )


RULES: tuple[Rule, ...] = (
    Rule(
        name="LatencyHigh",
        metric_class=MetricClass.LATENCY,
        severity=CRITICAL,
        summary="answers take more than twice as long as before",
        factor=2.0,
        change=0.02,
        score=3.0,
        beyond=1.2,
    ),
    Rule(
        name="LatencyRaised",
        metric_class=MetricClass.LATENCY,
        severity=WARNING,
        summary="answers take far longer than they ever did lately",
        factor=1.2,
        change=0.005,
        score=6.0,
        beyond=1.1,
    ),
    Rule(
        name="ErrorRateHigh",
        metric_class=MetricClass.ERRORS,
        severity=CRITICAL,
        summary="more than 5 % of the calls fail, three times as many as before",
        factor=3.0,
        limit=0.05,
    ),
    Rule(
        name="ErrorRateRaised",
        metric_class=MetricClass.ERRORS,
        severity=WARNING,
        summary="more than 1 % of the calls fail, far more than lately",
        change=0.01,
        beyond=1.5,
        limit=0.01,
    ),
    Rule(
        name="AvailabilityLow",
        metric_class=MetricClass.AVAILABILITY,
        severity=CRITICAL,
        summary="less than 95 % of the calls succeed, 5 points fewer than before",
        falls=True,
        change=0.05,
        limit=0.95,
    ),
    Rule(
        name="TrafficDropped",
        metric_class=MetricClass.TRAFFIC,
        severity=WARNING,
        summary="calls fell to less than half of what they were",
        falls=True,
        factor=0.5,
        change=0.1,
        score=4.0,
        beyond=1.25,
    ),
    _resource("CpuHigh", MetricClass.CPU, "CPU is far above what it was", 2.0),
    _resource("MemoryHigh", MetricClass.MEMORY, "memory is far above what it was", 1.2),
    _resource("DiskBusy", MetricClass.DISK, "disk is far above what it was", 2.0),
    _resource("NetworkBusy", MetricClass.NETWORK, "network is far above what it was", 2.0),
    _resource("PoolFull", MetricClass.POOL, "connections are far above what they were", 1.5),
    _resource("QueueGrowing", MetricClass.QUEUE, "queues are far above what they were", 2.0),
    _resource("ThreadsHigh", MetricClass.THREADS, "threads are far above what they were", 1.5),
    _resource("GcHigh", MetricClass.GC, "garbage collection is far above what it was", 2.0),
)
