"""A few published or obvious ranking rules as numbers in [0, 1], one per candidate.

They enter the features beside the measures, so that a ranker with no training falls back to rules
and a trained one starts from them. Every rule reads readings (models/readings.py), 0 = nothing.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from models.readings import LOG_CAP, Array

Columns = Mapping[str, Array]
"""Reading name -> one value per candidate, missing ones already 0."""

INTERNAL: Final = (
    "z_cpu",
    "z_memory",
    "z_disk",
    "z_network",
    "z_pool",
    "z_gc",
    "z_threads",
    "z_restarts",
    "z_availability",
    "z_certificate",
    "z_cache",
)
EXTERNAL: Final = ("z_latency", "z_errors", "z_traffic+", "z_traffic-", "z_queue")


def _largest(columns: Columns, names: tuple[str, ...]) -> Array:
    stacked = np.stack([columns[name] for name in names])
    return np.asarray(np.maximum(stacked.max(axis=0), 0.0), dtype=np.float64)


def prism(columns: Columns) -> Array:
    """Score by PRISM (2026): S = I + E - log(1 + I + E), over the |z| of inner and outer classes.

    I and E are taken back from the readings (z = exp(r log 21) - 1, so at most 20), and S is read
    as log1p(S) / log 41. Worked: I = 9, E = 4 gives S = 13 - log 14 = 10.36, read as 0.654.
    """
    inner = np.expm1(_largest(columns, INTERNAL) * LOG_CAP)
    outer = np.expm1(_largest(columns, EXTERNAL) * LOG_CAP)
    total = inner + outer
    return np.asarray(np.log1p(total - np.log1p(total)) / np.log(41.0), dtype=np.float64)


def inner(columns: Columns) -> Array:
    """Score by the largest inner-class |z| alone: victims are rarely short of resources."""
    return _largest(columns, INTERNAL)


def failed_edge(columns: Columns) -> Array:
    """Credit the callee of failing calls: the largest error, timeout, refusal or TLS share."""
    return _largest(columns, ("edge_errors", "edge_timeouts", "edge_refused", "edge_tls"))


def traversal(columns: Columns) -> Array:
    """Score the deepest anomalous component: frontier * (1 + explains recall + PRISM) / 3."""
    return columns["frontier"] * (1.0 + columns["explains_recall"] + prism(columns)) / 3.0


def page_rank(columns: Columns) -> Array:
    """Score by the personalised PageRank on the anomaly subgraph."""
    return np.maximum(columns["page_rank"], 0.0)


def silence(columns: Columns) -> Array:
    """Score what went quiet or came back: the largest of silence, stopped series, restarts, up."""
    return _largest(columns, ("silence", "stale_share", "restarts", "z_availability"))


def saturation(columns: Columns) -> Array:
    """Score a pool at its limit (usage 0.8 is 0, 1.0 is 1), or one client's growing hold on it."""
    full = np.clip((columns["pool_usage"] - 0.8) / 0.2, 0.0, 1.0)
    held = columns["holder_share"] * np.maximum(columns["holder_growth"], 0.0)
    return np.asarray(np.maximum(full, held), dtype=np.float64)


def explains(columns: Columns) -> Array:
    """Score by F1 of explaining the alerts: recall over alerting, precision over its callers."""
    recall, precision = columns["explains_recall"], columns["explains_precision"]
    total = recall + precision
    product = 2.0 * recall * precision
    return np.divide(product, total, out=np.zeros_like(total), where=total > 0)


def own_work(columns: Columns) -> Array:
    """Score by time and errors that start in the candidate: self time, error origin, statement."""
    return _largest(columns, ("self_time_share", "error_origin", "statement_ratio"))


def own_trouble(columns: Columns) -> Array:
    """Score PRISM discounted by what anomalous callees explain: S * (1 - callees anomalous)."""
    return prism(columns) * (1.0 - columns["callees_anomalous"])


def slowest_statement(columns: Columns) -> Array:
    """Score the slowdown of a statement where no callee can be why: on the frontier."""
    return np.maximum(columns["statement_ratio"], 0.0) * columns["frontier"]


def host(columns: Columns) -> Array:
    """Score what several anomalous components run on: their share * (1 + inner |z|) / 2."""
    return columns["colocation"] * (1.0 + inner(columns)) / 2.0


RULES: Final[Mapping[str, Callable[[Columns], Array]]] = {
    "prism": prism,
    "inner": inner,
    "failed_edge": failed_edge,
    "traversal": traversal,
    "page_rank": page_rank,
    "silence": silence,
    "saturation": saturation,
    "explains": explains,
    "own_work": own_work,
    "own_trouble": own_trouble,
    "slowest_statement": slowest_statement,
    "host": host,
}


def reciprocal_ranks(score: Array) -> Array:
    """Turn a score into 1 / rank, ties sharing their mean rank, and 0 where the score is 0.

    >>> reciprocal_ranks(np.array([0.9, 0.0, 0.4, 0.4])).round(2).tolist()
    [1.0, 0.0, 0.4, 0.4]
    """
    ordered = np.sort(score)
    above = score.size - np.searchsorted(ordered, score, side="right")
    ties = np.searchsorted(ordered, score, side="right") - np.searchsorted(ordered, score)
    return np.where(score > 0.0, 1.0 / (above + (ties + 1) / 2.0), 0.0)
