"""Where a candidate stands among the anomalous: whom it explains, and what explains it."""

import networkx as nx

from pipeline.blocks.block import Block, percent
from pipeline.case_view import CaseView
from schemas.candidate import Evidence, Reference
from schemas.component import ComponentKind

_SAME_TIME_MS = 60_000


def measure_topology(case: CaseView, name: str) -> Block:
    """Measure a candidate's place; without any edge there is no data here."""
    scene, graph = case.scene, case.scene.graph
    block = Block()
    callees = [c for c in graph.callees(name) if not graph.runs_on(name, c)]
    callers = [c for c in graph.callers(name) if not graph.runs_on(c, name)]
    residents = scene.residents(name)
    if not callees and not callers and not residents:
        return block
    bad_callees = [c for c in callees if _suffers_from(case, name, c)]
    bad_callers = [c for c in callers if _stands_out(case, c)]
    own = _stands_out(case, name)
    reached_by = [a for a, paths in case.reaches.items() if name in paths]
    effects = set(nx.ancestors(graph.graph, name))
    block.measures |= {
        "frontier": 1.0 if own and reached_by and not bad_callees else 0.0,
        "page_rank": case.page_rank.get(name, 0.0),
        "explains_recall": len(reached_by) / max(1, len(case.reaches)),
    }
    if callees:
        block.measures["callees_anomalous"] = len(bad_callees) / len(callees)
    if callers:
        block.measures["callers_anomalous"] = len(bad_callers) / len(callers)
    if effects:
        block.measures["explains_precision"] = len(effects & case.reaches.keys()) / len(effects)
    if residents:
        _add_residents(block, case, name, residents)
    twin = _stands_in_for(case, name) if own and not callees else None
    if twin is not None:
        block.measures["mirrored"] = 1.0
        block.evidence.append(
            Evidence(
                kind="explained",
                strength=0.5,
                supports=False,
                statement=f"{twin}, which its callers call too, began to show the same",
                references=(Reference(kind="edge", id=f"{name}->{twin}"),),
            )
        )
    if own and bad_callees:
        block.evidence.append(
            Evidence(
                kind="explained",
                strength=min(1.0, 0.4 + 0.3 * len(bad_callees)),
                supports=False,
                statement=f"it calls {', '.join(bad_callees[:3])}, which is anomalous itself",
                references=tuple(
                    Reference(kind="edge", id=f"{name}->{callee}") for callee in bad_callees[:3]
                ),
            )
        )
    if not own:
        block.evidence.append(
            Evidence(
                kind="quiet",
                strength=0.6,
                supports=False,
                statement="nothing measured of it left its baseline",
            )
        )
    return block


def _stands_out(case: CaseView, name: str) -> bool:
    return case.scene.health(name).anomalous or case.scene.is_alerting(name)


def _stands_in_for(case: CaseView, name: str) -> str | None:
    """Return whom a leaf seems to be a stand-in of (a load balancer, a proxy), or None.

    Somebody whom all its callers call too, who calls others but not this one, and in whom the
    same began at the same time. What the leaf is slow with is then what is behind it. Only what
    passes for a service stands in for one: a cache or a name server that fails takes those beside
    it along, and is no stand-in of theirs.
    """
    scene, graph = case.scene, case.scene.graph
    callers = [caller for caller in graph.callers(name) if not graph.runs_on(caller, name)]
    if graph.kind(name) is not ComponentKind.SERVICE or not callers:
        return None
    beside = set.intersection(*(set(graph.callees(caller)) for caller in callers)) - {name}
    own = scene.health(name)
    for other in sorted(beside):
        called = graph.callees(other)
        health = scene.health(other)
        if not called or name in called or not health.anomalous:
            continue
        if own.onset_ms is None or health.onset_ms is None:
            continue
        if abs(own.onset_ms - health.onset_ms) <= _SAME_TIME_MS and _show_alike(case, name, other):
            return other
    return None


def _show_alike(case: CaseView, one: str, other: str) -> bool:
    """Whether a class of metrics is out of line in both."""
    limit = case.scene.config.anomaly_z
    bad = [
        {c for c, z in case.scene.metrics(n).z.items() if abs(z) >= limit} for n in (one, other)
    ]
    return bool(bad[0] & bad[1])


def _suffers_from(case: CaseView, name: str, callee: str) -> bool:
    """Whether a callee is anomalous and, where the calls are seen, so are these calls."""
    if not case.scene.health(callee).anomalous:
        return False
    edge = case.scene.edge(name, callee)
    return edge is None or edge.count == 0 or edge.is_anomalous


def _add_residents(block: Block, case: CaseView, name: str, residents: list[str]) -> None:
    bad = [r for r in residents if _stands_out(case, r)]
    block.measures["colocation"] = len(bad) / len(residents)
    if len(bad) >= 2 and case.scene.health(name).anomalous:
        block.evidence.append(
            Evidence(
                kind="colocated",
                strength=len(bad) / len(residents),
                statement=(
                    f"{len(bad)} of the {len(residents)} components on it are anomalous "
                    f"({percent(len(bad) / len(residents))})"
                ),
                references=tuple(Reference(kind="edge", id=f"{r}->{name}") for r in bad[:5]),
            )
        )
