"""A set's call graph as the declared graph of a recording."""

from collections.abc import Iterable
from typing import Any

from agents.importers.series import component_of


def declared_graph(
    edges: Iterable[tuple[str, str]], components: Iterable[str] = ()
) -> dict[str, Any]:
    """Return `graph.json`: edges caller -> callee, without those of a component to itself.

    Args:
        edges: pairs of names as the `service` label would give them.
        components: more components, for those that no edge names.
    """
    pairs = sorted({(a, b) for a, b in edges if a != b})
    names = sorted({name for pair in pairs for name in pair} | set(components))
    kinds = [(component_of(name).name, component_of(name).kind.value) for name in names]
    return {
        "components": [{"name": name, "kind": kind} for name, kind in kinds],
        "edges": [
            {"caller": component_of(a).name, "callee": component_of(b).name} for a, b in pairs
        ],
    }
