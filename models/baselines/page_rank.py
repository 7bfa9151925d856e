"""Personalised PageRank on the calls, as MicroRCA (NOMS 2020) walks them.

A walker goes from caller to callee by how anomalous the callee is, may stay, and starts anew at
anomalous components; where it dwells is the cause.
"""

import networkx as nx

from models.baselines.anomaly import anomaly
from models.baselines.case import BaselineCase, Scores

DAMPING = 0.85
_LEAST = 0.1


def page_rank(case: BaselineCase) -> Scores | None:
    """Score by the rank of a personalised walk; None without edges or anomalies."""
    strengths = anomaly(case)
    if not strengths or not case.edges or not any(strengths.values()):
        return None
    walk: nx.DiGraph[str] = nx.DiGraph()
    walk.add_nodes_from(sorted({*case.candidates, *strengths}))
    for caller, callee in sorted(case.edges):
        walk.add_edge(caller, callee, weight=_LEAST + strengths.get(callee, 0.0))
    for name in list(walk):
        walk.add_edge(name, name, weight=_LEAST + strengths.get(name, 0.0) / 2.0)
    ranks = nx.pagerank(
        walk, alpha=DAMPING, personalization={n: strengths.get(n, 0.0) for n in walk}
    )
    return {name: ranks[name] for name in case.candidates}
