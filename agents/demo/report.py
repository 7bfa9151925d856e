"""The outcome of a demo as one machine-readable object, and where its model comes from."""

from typing import Any

from agents.demo.check import best_pattern, holders, opened_after
from agents.demo.performance import Outcome
from agents.demo.scene import Scene
from models.artefact import default_artefact, read_artefact
from schemas.incident import Incident


def report(scene: Scene, outcome: Outcome) -> dict[str, Any]:
    """Lay out what `--json` prints."""
    main = scene.main
    return {
        "ok": not outcome.problems,
        "problems": list(outcome.problems),
        "alerts": len(scene.fired),
        "incidents": len(scene.incidents),
        "incident": _incident(scene, main) if main is not None else None,
        "apart": [
            {"rule": seen.alert.rule, "component": seen.component, "why": why}
            for seen, why in scene.apart()
        ],
        "chat_messages": list(outcome.payloads),
        "seconds": {
            "to_incident_wall": outcome.reaction_seconds,
            "demo_wall": round(outcome.wall_seconds, 1),
        },
        "model_origin": model_origin(),
    }


def _incident(scene: Scene, main: Incident) -> dict[str, Any]:
    top = main.candidates[0] if main.candidates else None
    return {
        "incident_id": main.incident_id,
        "revision": main.revision,
        "title": main.title,
        "alerts": main.alert_count,
        "components": list(main.components),
        "opened_after_seconds": opened_after(main, scene.revisions),
        "top": top.component if top is not None else None,
        "confidence": top.confidence if top is not None else None,
        "pattern": best_pattern(main),
        "holder": next(iter(holders(main)), None),
        "abstained": main.abstained,
        "model_version": main.model_version,
    }


def model_origin() -> str:
    """Say what the shipped ranker was trained on."""
    figures = read_artefact(default_artefact()).provenance.get("figures", {})
    cases = figures.get("cases")
    return f"trained on {cases} simulated cases" if cases else "of unknown origin"
