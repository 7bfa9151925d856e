"""The anomaly traversal of PetShop's authors: follow anomalous callees to where they end.

A component is anomalous when its MAD score is above 5. From the symptoms along anomalous callees,
those without an anomalous callee are the roots, ordered by the sum of scores along the best path.
"""

from models.baselines.anomaly import mad_scores
from models.baselines.case import BaselineCase, Scores

THRESHOLD = 5.0


def traversal(case: BaselineCase) -> Scores | None:
    """Score roots by 1 + path sum, everybody else 0; None without series or edges."""
    scores = mad_scores(case)
    if not scores or not case.edges:
        return None
    callees: dict[str, list[str]] = {}
    for caller, callee in case.edges:
        if scores.get(callee, 0.0) > THRESHOLD and callee != caller:
            callees.setdefault(caller, []).append(callee)
    sums = _path_sums(case.symptoms, callees, scores)
    return {
        name: 1.0 + sums[name] if name in sums and name not in callees else 0.0
        for name in case.candidates
    }


def _path_sums(
    symptoms: tuple[str, ...], callees: dict[str, list[str]], scores: dict[str, float]
) -> dict[str, float]:
    """Sum scores along the first path found to each anomalous component, breadth first."""
    # The symptom itself counts, whether its own series show it or not.
    sums = {name: scores.get(name, 0.0) for name in sorted(set(symptoms))}
    frontier = list(sums)
    while frontier:
        reached: dict[str, float] = {}
        for caller in frontier:
            for callee in callees.get(caller, ()):
                if callee not in sums:
                    total = sums[caller] + scores[callee]
                    reached[callee] = max(reached.get(callee, 0.0), total)
        sums |= reached
        frontier = sorted(reached)
    return sums
