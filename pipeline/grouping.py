"""L1: which alerts belong to one incident, by topology path.

Two alerting components belong together when both reach a common component along calls, every
step of the way leading into something anomalous, silent or not seen. The common one may be
either of them. Mere neighbourhood does not count, so a healthy hub glues no strangers together.
"""

from collections import deque
from collections.abc import Mapping

from pipeline.scene import Scene

Reach = Mapping[str, tuple[str, ...]]
"""Reached component -> path to it, beginning with the start and ending with the component."""

_NODE_SHARE = 0.6
"""Share of a node's residents that must suffer before the node itself explains them."""


def reach(scene: Scene, start: str, *, max_hops: int) -> Reach:
    """Return everything that may explain `start`, with the shortest path to each.

    Paths lead from effect to possible cause. Ties are broken by name.
    """
    paths: dict[str, tuple[str, ...]] = {start: (start,)}
    queue = deque([start])
    while queue:
        name = queue.popleft()
        if len(paths[name]) > max_hops:
            continue
        for callee in scene.graph.callees(name):
            if callee not in paths and _leads_on(scene, name, callee):
                paths[callee] = (*paths[name], callee)
                queue.append(callee)
    return paths


def link(first: Reach, second: Reach) -> str | None:
    """Return the nearest component that both reach, or None.

    >>> link({"a": ("a",), "db": ("a", "db")}, {"b": ("b",), "db": ("b", "db")})
    'db'
    """
    common = first.keys() & second.keys()
    return min(common, key=lambda n: (len(first[n]) + len(second[n]), n), default=None)


def _leads_on(scene: Scene, caller: str, callee: str) -> bool:
    if scene.graph.runs_on(caller, callee):
        return _node_explains(scene, callee)
    health = scene.health(callee)
    if health.is_passable or scene.is_alerting(callee):
        return True
    edge = scene.edge(caller, callee)
    return edge is not None and edge.is_anomalous


def _node_explains(scene: Scene, node: str) -> bool:
    """A node is on the path only if it is anomalous and most of what runs on it suffers.

    Anything else (a disk filling up over days) is a coincidence of place, not a path.
    """
    if not scene.health(node).anomalous:
        return False
    residents = scene.residents(node)
    suffering = [r for r in residents if scene.health(r).anomalous or scene.is_alerting(r)]
    return len(suffering) >= max(1.0, _NODE_SHARE * len(residents))
