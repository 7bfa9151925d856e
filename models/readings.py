"""How each raw measure is read: its block, its shape, and below what it counts as quiet.

The table is the ranker's half of the contract in schemas/measures.py; a test keeps the two equal.
A reading maps a raw number to [-1, 1] such that 0 means "nothing to see" and larger means more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LOG_CAP: Final = float(np.log(21.0))
"""A log reading reaches 1 at 20 scale units: beyond that, more is no more convincing."""

ONSET_FADE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One feature column made of one measure.

    `quiet` is the reading at or below which a candidate takes no part in the percentile, so that
    noise in quiet components moves nobody's place.
    """

    measure: str
    block: str
    read: Callable[[Array], Array]
    quiet: float = 0.0
    suffix: str = ""

    @property
    def name(self) -> str:
        """Name the reading: the measure, with a suffix where one measure gives two readings."""
        return self.measure + self.suffix


def share(raw: Array) -> Array:
    """Read a number that is already a share: clip to [0, 1]."""
    return np.clip(raw, 0.0, 1.0)


def quarter(raw: Array) -> Array:
    """Read a level from 0 to 4 (severity) as a share of 4."""
    return np.clip(raw / 4.0, 0.0, 1.0)


def log(raw: Array) -> Array:
    """Read a magnitude as sign * log1p|x| / log 21, clipped to [-1, 1]: 4 reads as 0.529."""
    return np.clip(np.sign(raw) * np.log1p(np.abs(raw)) / LOG_CAP, -1.0, 1.0)


def milliseconds(raw: Array) -> Array:
    """Read a duration in ms in units of 50 ms, so that the cap lies at one second."""
    return log(raw / 50.0)


def ratio(raw: Array) -> Array:
    """Read a log ratio: x / log 21, clipped, so that twenty-one-fold is 1 and equal is 0."""
    return np.clip(raw / LOG_CAP, -1.0, 1.0)


def early(raw: Array) -> Array:
    """Read an onset in seconds as earliness, exp(-max(x, 0) / 60 s): 0 is 1, 60 s is 0.37."""
    return np.exp(-np.maximum(raw, 0.0) / ONSET_FADE_SECONDS)


def log_up(raw: Array) -> Array:
    """Read only the rise of a signed magnitude."""
    return np.maximum(log(raw), 0.0)


def log_down(raw: Array) -> Array:
    """Read only the fall of a signed magnitude."""
    return np.maximum(log(-raw), 0.0)


def ratio_up(raw: Array) -> Array:
    """Read only the rise of a log ratio."""
    return np.maximum(ratio(raw), 0.0)


def ratio_down(raw: Array) -> Array:
    """Read only the fall of a log ratio."""
    return np.maximum(ratio(-raw), 0.0)


# |z| = 3 read by `log`: what every textbook calls the edge of the ordinary.
_Z_QUIET = float(np.log1p(3.0)) / LOG_CAP
# A change by less than a fifth read by `ratio`.
_RATIO_QUIET = float(np.log(1.2)) / LOG_CAP


def _z(name: str) -> Reading:
    return Reading(measure=f"z_{name}", block="metrics", read=log, quiet=_Z_QUIET)


def _share(block: str, name: str, quiet: float = 0.0) -> Reading:
    return Reading(measure=name, block=block, read=share, quiet=quiet)


def _ratio(name: str) -> Reading:
    return Reading(measure=name, block="edges", read=ratio, quiet=_RATIO_QUIET)


READINGS: Final[tuple[Reading, ...]] = (
    Reading(measure="alert_count", block="alerts", read=log),
    _share("alerts", "alert_share"),
    Reading(measure="alert_severity", block="alerts", read=quarter),
    Reading(measure="alert_rules", block="alerts", read=log),
    Reading(measure="alert_onset_s", block="alerts", read=early),
    _share("alerts", "alert_cause_share"),
    Reading(measure="alert_flaps", block="alerts", read=log),
    *(
        Reading(measure=f"alerts_{topic}", block="topics", read=log)
        for topic in (
            "cpu",
            "memory",
            "disk",
            "network",
            "latency",
            "errors",
            "traffic_up",
            "traffic_down",
            "availability",
            "fall",
            "logs",
            "other",
            "calls_in_slow",
            "calls_in_failed",
            "calls_out_slow",
            "calls_out_failed",
            "calls_self",
            "callees",
            "callers",
        )
    ),
    *(
        Reading(measure=f"{what}_beyond_replicas", block="replicas", read=ratio, quiet=0.0)
        for what in ("alerts", "resource", "calls", "traffic_down", "fall", "logs")
    ),
    _z("latency"),
    _z("errors"),
    Reading(measure="z_traffic", block="metrics", read=log_up, quiet=_Z_QUIET, suffix="+"),
    Reading(measure="z_traffic", block="metrics", read=log_down, quiet=_Z_QUIET, suffix="-"),
    _z("cpu"),
    _z("memory"),
    _z("disk"),
    _z("network"),
    _z("pool"),
    _z("gc"),
    _z("queue"),
    _z("threads"),
    _z("restarts"),
    _z("availability"),
    _z("certificate"),
    _z("cache"),
    _z("other"),
    _share("metrics", "pool_usage", quiet=0.8),
    _share("metrics", "holder_share", quiet=0.3),
    Reading(measure="holder_growth", block="metrics", read=ratio, quiet=_RATIO_QUIET),
    _share("metrics", "metric_persistence", quiet=0.1),
    Reading(measure="metric_onset_s", block="metrics", read=early),
    Reading(measure="silence", block="silence", read=ratio_down, quiet=_RATIO_QUIET),
    _share("silence", "stale_share", quiet=0.1),
    Reading(measure="restarts", block="silence", read=log),
    _share("spans", "self_time_share", quiet=0.05),
    Reading(measure="self_time_delta", block="spans", read=milliseconds, quiet=0.03),
    _share("spans", "wait_share", quiet=0.05),
    _share("spans", "error_origin", quiet=0.02),
    Reading(measure="span_latency_ratio", block="spans", read=ratio, quiet=_RATIO_QUIET),
    _share("spans", "span_error_rate", quiet=0.01),
    _share("edges", "edge_errors", quiet=0.01),
    _share("edges", "edge_timeouts", quiet=0.01),
    _share("edges", "edge_refused", quiet=0.01),
    _share("edges", "edge_tls", quiet=0.01),
    _ratio("edge_latency_ratio"),
    _share("edges", "edge_fan_in"),
    _ratio("edge_retries"),
    _ratio("edge_in_flight"),
    _ratio("statement_ratio"),
    Reading(measure="traffic_ratio", block="edges", read=ratio_up, quiet=_RATIO_QUIET, suffix="+"),
    Reading(
        measure="traffic_ratio", block="edges", read=ratio_down, quiet=_RATIO_QUIET, suffix="-"
    ),
    *(_share("edges", m, 0.1) for m in ("calls_missing", "called_less", "last_before_break")),
    _share("topology", "callees_anomalous"),
    _share("topology", "callers_anomalous"),
    _share("topology", "frontier"),
    Reading(measure="page_rank", block="topology", read=log, quiet=0.05),
    _share("topology", "explains_recall"),
    _share("topology", "explains_precision"),
    _share("topology", "mirrored"),
    _share("topology", "colocation"),
    _share("changes", "change_recency", quiet=0.05),
    _share("changes", "change_callee_recency", quiet=0.05),
    _share("changes", "change_precedes"),
)

NEVER_AGAINST: Final = frozenset(
    {
        "alert_cause_share",
        "alert_onset_s",
        "z_cpu",
        "z_memory",
        "z_disk",
        "z_network",
        "z_pool",
        "z_gc",
        "z_queue",
        "z_threads",
        "z_restarts",
        "z_availability",
        "z_certificate",
        "z_cache",
        "pool_usage",
        "holder_share",
        "holder_growth",
        "silence",
        "stale_share",
        "restarts",
        "self_time_share",
        "self_time_delta",
        "error_origin",
        "edge_errors",
        "edge_timeouts",
        "edge_refused",
        "edge_tls",
        "statement_ratio",
        "frontier",
        "explains_recall",
        "colocation",
        "change_recency",
        "change_precedes",
    }
)
"""Measures of trouble of its own: training may find that one says nothing, but not that a full
pool acquits its owner, which few cases suggest by chance and no engineer would believe."""

BLOCKS: Final[tuple[str, ...]] = tuple(dict.fromkeys(reading.block for reading in READINGS))
