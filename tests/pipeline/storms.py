"""Storms of one component or one edge, and what a block said of them."""

from dataclasses import replace

from pipeline.blocks.block import Block
from schemas.signal import SeriesPane, Sighting, TelemetrySignal
from tests.pipeline.builders import (
    T0,
    a_service_pane,
    an_alert,
    an_edge_pane,
    component,
    telemetry,
)
from tests.pipeline.scenes import NOW_S, a_case, a_graph, a_scene

ONSET_S = -60  # where the window begins
BEFORE = range(ONSET_S - 720, ONSET_S, 30)
SINCE = range(ONSET_S, NOW_S, 30)


def said(block: Block, kind: str) -> str:
    """The statement of the one piece of evidence of a kind."""
    (found,) = (e for e in block.evidence if e.kind == kind)
    return found.statement


def kinds(block: Block) -> set[str]:
    return {e.kind for e in block.evidence}


def calls(caller: str, callee: str, *, before: dict | None, since: dict | None, **edits: object):
    """One edge, a signal a pane: `before` and `since` the onset; `edits` replace fields since."""
    signals: list[TelemetrySignal] = []
    for second in (*BEFORE, *SINCE):
        facts = since if second >= ONSET_S else before
        if facts is not None:
            pane = an_edge_pane(caller, callee, T0 + second * 1000, **facts)
            pane = replace(pane, **(edits if second >= ONSET_S else {}))
            signals.append(telemetry(at_s=second + 30, edges=(pane,), source=f"{caller}-{callee}"))
    return signals


def serves(name: str, *, before: dict | None, since: dict | None, **edits: object):
    signals: list[TelemetrySignal] = []
    for second in (*BEFORE, *SINCE):
        facts = since if second >= ONSET_S else before
        if facts is not None:
            pane = a_service_pane(name, T0 + second * 1000, **facts)
            pane = replace(pane, **(edits if second >= ONSET_S else {}))
            signals.append(telemetry(at_s=second + 30, services=(pane,), source=name))
    return signals


def reports(*rows: SeriesPane, classes: tuple[str, ...] = ()):
    """Series panes repeated over the window, and what the database reports at all."""
    sighting = Sighting(component=component("db"), metric_classes=classes)
    return [
        telemetry(
            at_s=second + 30,
            series=tuple(replace(r, start_ms=T0 + second * 1000) for r in rows),
            sightings=(sighting,),
            source="metrics/0",
        )
        for second in SINCE
    ]


def db_case(signals, **more):
    return a_case(a_scene(signals, graph=a_graph([("cart", "db")]), **more), an_alert("cart"))
