"""The PetShop set: CloudWatch metrics of five minutes, a call graph, where trouble was seen.

`<suite>/{graph.csv,noissue/metrics.csv}` and `<suite>/<train|test>/<issue>/{metrics.csv,
target.json}`. An issue's file is 25 minutes; the normal period, of another day, is put before it
(provenance: "baseline": "shifted"). Time runs ten times as fast: 30 s from sample to sample.
The normal period itself is asked about as the issues are: `petshop_normal` cuts it.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from agents.importers.case_facts import CaseFacts, Protocol
from agents.importers.declared_graph import declared_graph
from agents.importers.errors import LayoutError
from agents.importers.fault_family import family_of
from agents.importers.layout import existing, folders_holding
from agents.importers.measured import alerts_of, samples_of
from agents.importers.petshop_metrics import (
    STEP_MS,
    TIME_SCALE,
    Metrics,
    joined,
    measured_of,
    read_metrics,
)
from agents.importers.petshop_names import names_of
from agents.importers.petshop_normal import Asked, Cut, pieces, windows
from agents.importers.text_file import text_of
from schemas.recording import Fault, Recording

BASELINE_SAMPLES = 120
"""How much of the normal period's end goes before each issue: ten hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suite:
    """What all cases of a suite share; `names` maps the set's names to ours."""

    name: str
    names: dict[str, str]
    edges: list[tuple[str, str]]
    normal: Metrics

    def graph_nodes(self) -> tuple[str, ...]:
        return tuple(sorted({self.names[name] for edge in self.edges for name in edge}))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """What `target.json` says: where trouble was seen, in what, when, and who it was."""

    symptom: str
    metric: str
    at_s: float
    root: str
    command: str


def recordings(src: Path) -> Iterator[Recording]:
    """Yield the issues and the healthy pieces of all suites below a folder."""
    for folder in folders_holding(src, "graph.csv", of="petshop"):
        suite = _suite(folder)
        asked = []
        for split in ("train", "test"):
            for path in sorted((folder / split).glob("*/target.json")):
                issue = _issue(suite, split, path.parent)
                asked.append(Asked.of(issue))
                yield issue
        cuts = [*pieces(suite.normal.rows, BASELINE_SAMPLES)]
        cuts += windows(suite.normal.rows, BASELINE_SAMPLES, asked)
        for number, cut in enumerate(cuts):
            yield _healthy(suite, number, cut)


def _suite(folder: Path) -> _Suite:
    edges = _edges(folder / "graph.csv")
    normal = read_metrics(existing(folder / "noissue" / "metrics.csv", of="petshop"))
    nodes = {name for edge in edges for name in edge} | {key[0] for key in normal.values}
    for path in sorted(folder.glob("*/*/metrics.csv")):
        nodes |= {key[0] for key in read_metrics(path).values}
    return _Suite(name=folder.name.lower(), names=names_of(nodes), edges=edges, normal=normal)


def _edges(path: Path) -> list[tuple[str, str]]:
    """Read the adjacency: a row's component calls a column's where the cell is not zero."""
    with text_of(path) as file:
        head, *rows = list(csv.reader(file)) or [[]]
    try:
        return [
            (row[0], callee)
            for row in rows
            for callee, cell in zip(head[1:], row[1:], strict=True)
            if cell and float(cell)
        ]
    except ValueError as error:
        msg = f"{path} is no adjacency matrix ({str(error)[:200]}); unpack the set again"
        raise LayoutError(msg) from error


def _target(path: Path) -> _Target:
    try:
        content = orjson.loads(path.read_bytes())
        how = (content.get("metadata") or {}).get("reproducibility") or {}
        return _Target(
            symptom=content["target"]["node"],
            metric=content["target"]["metric"],
            at_s=float(content["target"]["timestamp"]),
            root=content["root_cause"]["node"],
            command=str(how.get("command", "")),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        msg = f"{path} tells no target and root cause ({repr(error)[:200]}); unpack the set again"
        raise LayoutError(msg) from error


def _issue(suite: _Suite, split: str, folder: Path) -> Recording:
    issue = read_metrics(existing(folder / "metrics.csv", of="petshop"))
    target = _target(folder / "target.json")
    metrics = joined(suite.normal.last(BASELINE_SAMPLES), issue)
    issue_ms = round(issue.first_s * 1000)
    start_ms = issue_ms - STEP_MS * (metrics.rows - issue.rows)
    end_ms = start_ms + STEP_MS * metrics.rows + 1_000
    onset_ms = issue_ms + round((target.at_s - issue.first_s) * 1000 / TIME_SCALE)
    root = _known(suite, target.root, folder)
    facts = _facts(
        suite,
        case=f"{split}/{folder.name}",
        split=split,
        strata={"symptom": target.metric},
        group=f"{root}/{target.metric}",
        protocol=Protocol(
            window_start_ms=onset_ms,
            window_end_ms=end_ms,
            onset_ms=onset_ms,
            symptom=_known(suite, target.symptom, folder),
            candidates=suite.graph_nodes(),
        ),
        more={"baseline": "shifted", "time_scale": TIME_SCALE},
    )
    fault = Fault(
        component=root,
        pattern=target.metric,
        start_ms=onset_ms,
        end_ms=end_ms,
        details={"family": family_of(target.command) or "code"},
    )
    return _recording(suite, metrics, start_ms, facts, (fault,))


def _known(suite: _Suite, name: str, folder: Path) -> str:
    if name not in suite.names:
        msg = f"{folder}/target.json names {name!r}, which no graph or metrics file has"
        raise LayoutError(msg)
    return suite.names[name]


def _healthy(suite: _Suite, number: int, cut: Cut) -> Recording:
    metrics = suite.normal.part(cut.first, cut.rows)
    start_ms = round(metrics.first_s * 1000)
    facts = _facts(
        suite,
        case=f"healthy/{number}",
        strata=cut.strata,
        protocol=cut.protocol(start_ms),
        more={"time_scale": TIME_SCALE},
    )
    return _recording(suite, metrics, start_ms, facts, ())


def _facts(suite: _Suite, **more: Any) -> CaseFacts:
    return CaseFacts(
        set="petshop",
        suite=f"petshop/{suite.name}",
        system="petshop",
        licence="CC-BY-4.0",
        granularity="node",
        **more,
    )


def _recording(
    suite: _Suite, metrics: Metrics, start_ms: int, facts: CaseFacts, truth: tuple[Fault, ...]
) -> Recording:
    measured = measured_of(metrics, suite.names, start_ms)
    end_ms = start_ms + STEP_MS * metrics.rows + 1_000
    pairs = [(suite.names[a], suite.names[b]) for a, b in suite.edges]
    return Recording(
        environment="petshop",
        start_ms=start_ms,
        end_ms=end_ms,
        resolution_seconds=STEP_MS / 1000,
        provenance=facts.as_json(),
        alerts=alerts_of(measured, start_ms=start_ms, end_ms=end_ms),
        metrics=samples_of(measured),
        graph=declared_graph(pairs, suite.names.values()),
        truth=truth,
    )
