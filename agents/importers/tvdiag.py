"""TVDiag's sets (GAIA, Sock Shop, Hotel): alert events of a case, in order but without times.

Each event becomes an alert in the second minute of a recording that holds nothing else but the
case's graph. A folder is a suite; the files of `raw/` are keyed by the column `index` of
`label.csv`.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from agents.importers.case_facts import CaseFacts, Protocol
from agents.importers.declared_graph import declared_graph
from agents.importers.errors import LayoutError
from agents.importers.fault_family import family_of
from agents.importers.layout import existing, folders_holding
from agents.importers.series import component_of
from agents.importers.text_file import text_of
from agents.importers.tvdiag_events import EVENTS_MS, QUIET_MS, AlertEvents, messages
from schemas.recording import Fault, Recording

START_MS = 1_700_000_000_000
"""When every case starts: the set has no times."""
_ONSET_MS = START_MS + QUIET_MS
_END_MS = _ONSET_MS + EVENTS_MS + 30_000
_NEEDED = ("metrics", "traces", "logs", "nodes", "edges")
_COLUMNS = {"index", "instance", "anomaly_type"}

Keyed = dict[str, list[Any]]


def recordings(src: Path) -> Iterator[Recording]:
    """Yield the cases of all suites below a folder, in the order of their labels."""
    for folder in folders_holding(src, "raw/nodes.json", of="tvdiag"):
        labels = _labels(existing(folder / "label.csv", of="tvdiag"))
        raw = {name: _keyed(folder / "raw" / f"{name}.json") for name in _NEEDED}
        for label in labels:
            yield _recording(folder.name.lower(), label, raw)


def _recording(system: str, label: dict[str, str], raw: dict[str, Keyed]) -> Recording:
    index, fault = label["index"], label["anomaly_type"].strip("[] ")
    if index not in raw["nodes"]:
        msg = f"label {index} of tvdiag's {system} has no nodes in raw/nodes.json; unpack it again"
        raise LayoutError(msg)
    nodes = [component_of(_name(name, index)).name for name in raw["nodes"][index]]
    events = AlertEvents(
        metrics=raw["metrics"].get(index, []),
        traces=raw["traces"].get(index, []),
        logs=raw["logs"].get(index, []),
    )
    edges = _edges(index, nodes, raw["edges"].get(index, []))
    truth = Fault(
        component=component_of(label["instance"]).name,
        pattern=fault,
        start_ms=_ONSET_MS,
        end_ms=_END_MS,
        details={"family": family_of(fault)},
    )
    return Recording(
        environment=system,
        start_ms=START_MS,
        end_ms=_END_MS,
        resolution_seconds=30.0,
        provenance=_facts(system, label, truth, nodes).as_json(),
        alerts=messages(events, START_MS),
        graph=declared_graph(directed(edges, events.calls()), nodes),
        truth=(truth,),
    )


def _name(name: object, index: str) -> str:
    if not isinstance(name, str):
        msg = f"tvdiag's case {index} has the node {repr(name)[:80]}, expected a name"
        raise LayoutError(msg)
    return name


def _facts(system: str, label: dict[str, str], truth: Fault, nodes: list[str]) -> CaseFacts:
    return CaseFacts(
        set="tvdiag",
        suite=f"tvdiag/{system}",
        system=system,
        case=label["index"],
        split=label.get("data_type") or "all",
        strata={"fault": truth.pattern},
        group=f"{truth.component}/{truth.pattern}",
        licence="MIT",
        granularity="instance",
        protocol=Protocol(
            window_start_ms=START_MS,
            window_end_ms=_END_MS,
            onset_ms=_ONSET_MS,
            candidates=tuple(sorted(nodes)),
        ),
    )


def _edges(index: str, nodes: list[str], pairs: list[list[int]]) -> list[tuple[str, str]]:
    for pair in pairs:
        if not _is_edge(pair, len(nodes)):
            shown = repr(pair)[:80]
            msg = f"tvdiag's case {index} has an edge {shown} between its {len(nodes)} nodes"
            raise LayoutError(msg)
    return [(nodes[a], nodes[b]) for a, b in pairs]


def _is_edge(pair: object, nodes: int) -> bool:
    ends = pair if isinstance(pair, list) else []
    return len(ends) == 2 and all(type(place) is int and 0 <= place < nodes for place in ends)


def directed(edges: list[tuple[str, str]], calls: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return edges caller -> callee; of a graph that was made symmetric, by the case's calls.

    Where a symmetric graph has both directions and only one was seen as a call, that one stands.

    >>> directed([("a", "b"), ("b", "a")], {("a", "b")}), directed([("b", "a")], {("a", "b")})
    ([('a', 'b')], [('b', 'a')])
    """
    known = set(edges)
    if any((callee, caller) not in known for caller, callee in edges):
        return edges
    return [
        (caller, callee)
        for caller, callee in edges
        if (caller, callee) in calls or (callee, caller) not in calls
    ]


def _labels(path: Path) -> list[dict[str, str]]:
    with text_of(path) as file:
        reader = csv.DictReader(file)
        found = set(reader.fieldnames or ())
        if not found >= _COLUMNS:
            shown = str(sorted(found))[:200]
            msg = f"{path} has the columns {shown}, expected at least {sorted(_COLUMNS)}"
            raise LayoutError(msg)
        rows = list(reader)
    if any(row[name] is None for row in rows for name in _COLUMNS):
        msg = f"{path} has a row with fewer cells than its header; unpack the set again"
        raise LayoutError(msg)
    return rows


def _keyed(path: Path) -> Keyed:
    try:
        content = orjson.loads(existing(path, of="tvdiag").read_bytes())
    except orjson.JSONDecodeError as error:
        msg = f"{path} is no JSON ({str(error)[:200]}); unpack the set again"
        raise LayoutError(msg) from error
    if not isinstance(content, dict) or not all(isinstance(v, list) for v in content.values()):
        msg = f"{path} holds no object of lists keyed by case; unpack the set again"
        raise LayoutError(msg)
    return content
