"""What a candidate's own metrics say: which classes left their baseline, and who holds it."""

import math

from pipeline.blocks.block import Block, percent, ramp
from pipeline.case_view import CaseView
from pipeline.metric_reading import MetricReading, SeriesReading
from schemas.candidate import Evidence, Reference

_CLASSES = (
    "latency",
    "errors",
    "traffic",
    "cpu",
    "memory",
    "disk",
    "network",
    "pool",
    "gc",
    "queue",
    "threads",
    "restarts",
    "availability",
    "certificate",
    "cache",
    "other",
)

_EVIDENCE_OF_CLASS = {
    "cpu": ("cpu_saturated", "CPU"),
    "memory": ("memory_high", "memory"),
    "gc": ("gc_pauses", "garbage collection"),
    "disk": ("disk_busy", "disk"),
    "network": ("network_errors", "network"),
    "queue": ("queue_lag", "queue"),
    "threads": ("threads_saturated", "worker threads"),
    "certificate": ("cert_expired", "certificate"),
    "availability": ("not_ready", "availability"),
    "restarts": ("restarts", "restarts"),
    "cache": ("cache_misses", "cache"),
    "other": ("metric_other", "another metric"),
}


def measure_metrics(case: CaseView, name: str) -> Block:
    """Measure a candidate's metrics; a class that it does not report stays absent."""
    reading = case.scene.metrics(name)
    reported = set(case.scene.metric_classes(name)) | set(reading.z)
    block = Block()
    if not reported:
        return block
    for metric_class in _CLASSES:
        if metric_class in reported:
            block.measures[f"z_{metric_class}"] = reading.z.get(metric_class, 0.0)
    block.measures["metric_persistence"] = reading.persistence
    if reading.onset_ms is not None:
        block.measures["metric_onset_s"] = (reading.onset_ms - case.onset_ms) / 1000
    block.measures["stale_share"] = reading.stale_share
    if "restarts" in reported:
        block.measures["restarts"] = reading.restarts
    _add_pool(block, reading)
    _add_classes(block, reading)
    return block


def _add_pool(block: Block, reading: MetricReading) -> None:
    if reading.pool_usage is not None:
        block.measures["pool_usage"] = reading.pool_usage
        if reading.pool_usage > 0.8:
            block.evidence.append(
                Evidence(
                    kind="pool_saturated",
                    strength=ramp(reading.pool_usage, 0.7, 0.98),
                    statement=f"{percent(min(reading.pool_usage, 1.0))} of its connections in use",
                    references=(Reference(kind="series", id=reading.pool_series),),
                )
            )
    holder = reading.holder
    if holder is not None:
        block.measures["holder_share"] = holder.share
        block.measures["holder_growth"] = math.log1p(max(0.0, holder.growth - 1.0))
        if holder.growth > 1.5 and holder.share > 0.3:
            block.evidence.append(
                Evidence(
                    kind="holder_dominant",
                    strength=ramp(holder.share, 0.3, 0.8) * ramp(holder.growth, 1.5, 4.0),
                    statement=(
                        f"{holder.name} holds {percent(holder.share)} of its connections, "
                        f"{holder.growth:.1f} times as many as usual"
                    ),
                    references=(Reference(kind="series", id=holder.series_id),),
                    details={"holder": holder.name},
                )
            )
    waiting = _worst(reading, "pool", ("pending", "wait", "timeout"))
    if waiting is not None and waiting.peak_z > 3.0:
        block.evidence.append(_from_series("pool_waiting", waiting, "waiting for a connection"))


def _add_classes(block: Block, reading: MetricReading) -> None:
    for metric_class, (kind, words) in _EVIDENCE_OF_CLASS.items():
        series = reading.worst_of(metric_class)
        if series is None or series.peak_z <= 3.0:
            continue
        evicts = metric_class == "cache" and "evict" in series.metric
        block.evidence.append(_from_series("evictions" if evicts else kind, series, words))


def _worst(
    reading: MetricReading, metric_class: str, words: tuple[str, ...]
) -> SeriesReading | None:
    named = [
        s
        for s in reading.series
        if s.metric_class == metric_class and any(w in s.metric for w in words)
    ]
    return max(named, key=lambda s: (s.peak_z, s.series_id), default=None)


def _from_series(kind: str, series: SeriesReading, words: str) -> Evidence:
    return Evidence(
        kind=kind,
        strength=ramp(series.peak_z, 2.0, 12.0),
        statement=(
            f"{words}: {series.metric} at {_number(series.value)}, usually "
            f"{_number(series.center)} ({min(abs(series.peak_z), 50.0):.0f} deviations)"
        ),
        references=(Reference(kind="series", id=series.series_id),),
    )


def _number(value: float) -> str:
    """Write a number with three significant digits.

    >>> _number(0.123456), _number(151.0), _number(2.5e9)
    ('0.123', '151', '2.5e+09')
    """
    return f"{value:.3g}"
