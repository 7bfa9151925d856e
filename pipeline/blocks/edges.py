"""What callers saw of a candidate: an error on a client span accuses the callee, not the caller.

Gated: where the candidate itself calls something that fails at least as much, the blame goes on
to that callee, so that a chain of failing callers does not outvote its end.
"""

import math
from collections.abc import Sequence

from pipeline.blocks.block import Block, milliseconds, percent, ramp
from pipeline.case_view import CaseView
from pipeline.edge_reading import EdgeReading
from schemas.candidate import Evidence, Reference

_MIN_CALLS = 3


def measure_edges(case: CaseView, name: str) -> Block:
    """Measure the calls to a candidate; one that nobody calls has no data here."""
    into = [e for e in case.scene.edges_into(name) if e.count + e.baseline_count >= _MIN_CALLS]
    block = Block()
    if not into:
        return block
    out = case.scene.edges_out(name)
    own = max((e.error_excess for e in out), default=0.0)
    worst_errors = max(into, key=lambda e: (e.error_excess, e.caller))
    slowest = max(into, key=lambda e: (e.latency_ratio, e.caller))
    block.measures |= {
        "edge_errors": max(0.0, worst_errors.error_excess - own),
        "edge_timeouts": _mean(into, "timeout_share"),
        "edge_refused": _mean(into, "refused_share"),
        "edge_tls": _mean(into, "tls_share"),
        "edge_latency_ratio": slowest.latency_ratio,
        "edge_fan_in": sum(e.is_anomalous for e in into) / len(into),
        "edge_retries": max(e.attempts_ratio for e in into),
        "edge_in_flight": _in_flight(into),
        "traffic_ratio": _traffic(into),
    }
    statements = [e.slow_statement for e in into if e.slow_statement]
    if statements:
        block.measures["statement_ratio"] = max(s.ratio for s in statements)
    _add_failures(block, into)
    _add_slowness(block, into)
    _add_load(block, into)
    return block


def _mean(edges: Sequence[EdgeReading], share: str) -> float:
    """Mean of a share over the edges, weighted by calls."""
    total = sum(e.count for e in edges)
    return sum(getattr(e, share) * e.count for e in edges) / total if total else 0.0


def _in_flight(edges: Sequence[EdgeReading]) -> float:
    now = sum(e.in_flight for e in edges)
    return math.log((now + 0.1) / (sum(e.baseline_in_flight for e in edges) + 0.1))


def _traffic(edges: Sequence[EdgeReading]) -> float:
    """Log ratio of calls per edge, weighted by what each brought before and brings now."""
    weights = [e.count + e.baseline_count for e in edges]
    return sum(e.traffic_ratio * w for e, w in zip(edges, weights, strict=True)) / sum(weights)


def _add_failures(block: Block, into: Sequence[EdgeReading]) -> None:
    kinds = {
        "edge_errors": ("error_excess", "fail"),
        "edge_timeouts": ("timeout_share", "time out"),
        "edge_refused": ("refused_share", "are refused"),
        "tls_errors": ("tls_share", "fail in the TLS handshake"),
    }
    for kind, (share, words) in kinds.items():
        hit = [e for e in into if getattr(e, share) > 0.02]
        if not hit:
            continue
        worst = max(hit, key=lambda e: (getattr(e, share), e.caller))
        rate = getattr(worst, share)
        block.evidence.append(
            Evidence(
                kind=kind,
                strength=ramp(rate, 0.0, 0.3),
                statement=(
                    f"{percent(rate)} of the calls from {worst.caller} {words}"
                    + (f", and {len(hit) - 1} other callers see it too" if len(hit) > 1 else "")
                ),
                references=_references(worst),
            )
        )


def _add_slowness(block: Block, into: Sequence[EdgeReading]) -> None:
    slow = [e for e in into if e.latency_ratio > 0.4 and e.latency_ms - e.baseline_latency_ms > 3]
    if slow:
        worst = max(slow, key=lambda e: (e.latency_ratio, e.caller))
        block.evidence.append(
            Evidence(
                kind="edge_latency",
                strength=ramp(worst.latency_ratio, 0.3, 2.0),
                statement=(
                    f"calls from {worst.caller} take {milliseconds(worst.latency_ms)}, "
                    f"usually {milliseconds(worst.baseline_latency_ms)}"
                ),
                references=_references(worst),
            )
        )
    statements = [(e, e.slow_statement) for e in into if e.slow_statement]
    if statements:
        edge, worst_statement = max(statements, key=lambda p: (p[1].ratio, p[1].text))
        # A statement that slowed with all others is load; one that slowed alone is a plan.
        alone = worst_statement.ratio - max(0.0, edge.latency_ratio) * 0.5
        if worst_statement.ratio > 0.7:
            block.evidence.append(
                Evidence(
                    kind="slow_statement",
                    strength=ramp(alone, 0.4, 2.0),
                    statement=(
                        f"{worst_statement.text} takes {milliseconds(worst_statement.mean_ms)}, "
                        f"usually {milliseconds(worst_statement.baseline_ms)}"
                    ),
                    references=_references(edge),
                    details={"statement": worst_statement.text},
                )
            )


def _add_load(block: Block, into: Sequence[EdgeReading]) -> None:
    traffic = block.measures["traffic_ratio"]
    if abs(traffic) > 0.4:
        kind = "traffic_up" if traffic > 0 else "traffic_down"
        block.evidence.append(
            Evidence(
                kind=kind,
                strength=ramp(abs(traffic), 0.3, 1.5),
                statement=f"it gets {math.exp(traffic):.1f} times its usual calls",
                references=tuple(Reference(kind="edge", id=_edge_id(e)) for e in into[:5]),
            )
        )
    retrying = [e for e in into if e.attempts_ratio > 0.2]
    if retrying:
        worst = max(retrying, key=lambda e: (e.attempts_ratio, e.caller))
        block.evidence.append(
            Evidence(
                kind="retries",
                strength=ramp(worst.attempts_ratio, 0.1, 0.9),
                statement=(
                    f"{worst.caller} makes {math.exp(worst.attempts_ratio):.1f} times as many "
                    "attempts per request as usual"
                ),
                references=_references(worst),
            )
        )
    _add_dominant_caller(block, into)


def _add_dominant_caller(block: Block, into: Sequence[EdgeReading]) -> None:
    """Little's law: calls in flight are what holds connections, so growth names the holder."""
    total = sum(e.in_flight for e in into)
    if total < 1.0:
        return
    top = max(into, key=lambda e: (e.in_flight - e.baseline_in_flight, e.caller))
    share, growth = top.in_flight / total, (top.in_flight + 0.1) / (top.baseline_in_flight + 0.1)
    if share > 0.4 and growth > 2.0:
        block.evidence.append(
            Evidence(
                kind="holder_dominant",
                strength=ramp(share, 0.3, 0.8) * ramp(growth, 1.5, 4.0),
                statement=(
                    f"{top.caller} keeps {top.in_flight:.0f} calls in flight to it, "
                    f"{percent(share)} of all, usually {top.baseline_in_flight:.1f}"
                ),
                references=_references(top),
                details={"holder": top.caller},
            )
        )


def _edge_id(edge: EdgeReading) -> str:
    return f"{edge.caller}->{edge.callee}"


def _references(edge: EdgeReading) -> tuple[Reference, ...]:
    traces = sorted({e.trace_id for e in edge.exemplars})[:3]
    return (
        Reference(kind="edge", id=_edge_id(edge)),
        *(Reference(kind="trace", id=trace) for trace in traces),
    )
