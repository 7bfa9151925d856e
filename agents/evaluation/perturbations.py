"""How the ranking falls as recordings get worse: every perturbation at levels and seeds.

`evaluate_perturbations` is called by the command and goes into the report as it is.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from agents.evaluation.collect import Wanted, collect
from agents.evaluation.judge import judge
from agents.offline import OfflineConfig
from models.evaluation_placement import Placement, expected_ac
from models.perturbation import PERTURBATIONS, perturb
from schemas.candidate import Ranker
from schemas.recording import Recording

SEEDS = (1, 2, 3)
_SEEDLESS = frozenset({"spans_gone", "metrics_gone", "changes_gone", "root_hidden", "late_onset"})
"""Perturbations that draw nothing: one seed is all of them."""


def evaluate_perturbations(
    recordings: Sequence[Recording],
    rank: Ranker,
    *,
    names: Sequence[str] = tuple(PERTURBATIONS),
    seeds: Sequence[int] = SEEDS,
    config: OfflineConfig | None = None,
    done: Callable[[float], None] = lambda share: None,
) -> dict[str, Any]:
    """Run the engine over each recording made worse in each way; give AC@k by level, and slopes.

    Args:
        recordings: those with a fault are used.
        rank: answers, and is judged.
        names: which perturbations.
        seeds: each level is run with each, where the perturbation draws anything.
        config: the engine's.
        done: is told the share that is done.

    Returns:
        {name: {"unit", "points": [{"level", "cases", "ac@1", "ac@3", "no_incident"}, ...],
        "slope_ac@1"}}; the slope is that of least squares, in AC@1 per unit of the level.
        A recording without what a perturbation would take is run as it is.
    """
    faulty = [r for r in recordings if r.truth]
    wanted = Wanted(published=False, config=config or OfflineConfig())
    calm = [_placement(r, wanted, rank) for r in faulty]
    answer: dict[str, Any] = {}
    for number, name in enumerate(names, start=1):
        way = PERTURBATIONS[name]
        points = []
        for level in way.levels:
            tried = seeds[:1] if name in _SEEDLESS else seeds
            placements = (
                calm
                if level == 0
                else [
                    _placement(perturb(r, name, level=level, seed=seed), wanted, rank)
                    for seed in tried
                    for r in faulty
                ]
            )
            points.append(_point(level, placements))
        slope_of = [(p["level"], p["ac@1"]) for p in points]
        answer[name] = {"unit": way.unit, "points": points, "slope_ac@1": slope(slope_of)}
        done(number / len(names))
    return answer


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Give the slope of the line of least squares; None where there is no line.

    >>> slope([(0.0, 1.0), (0.5, 0.75), (1.0, 0.5)])
    -0.5
    """
    known = [(x, y) for x, y in points if not math.isnan(y)]
    if len(known) < 2:
        return None
    middle = math.fsum(x for x, _ in known) / len(known)
    spread = math.fsum((x - middle) ** 2 for x, _ in known)
    if spread == 0.0:
        return None
    return math.fsum((x - middle) * y for x, y in known) / spread


def _point(level: float, placements: Sequence[tuple[bool, Placement | None]]) -> dict[str, Any]:
    places = [place for _, place in placements]
    return {
        "level": level,
        "cases": len(places),
        "ac@1": expected_ac(places, 1),
        "ac@3": expected_ac(places, 3),
        "no_incident": sum(not opened for opened, _ in placements),
    }


def _placement(
    recording: Recording, wanted: Wanted, rank: Ranker
) -> tuple[bool, Placement | None]:
    """Whether an incident opened for the fault, and where its last answer puts the root."""
    collected = collect(recording, wanted, rank)
    if collected is None or collected.online is None:
        return False, None
    return True, judge(collected, "online", rank).placement
