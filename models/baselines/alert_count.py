"""Most alerts wins: what an operator's eye does with a list of alerts."""

from models.baselines.case import BaselineCase, Scores


def alert_count(case: BaselineCase) -> Scores | None:
    """Score by the number of alerts in the window."""
    if not case.alerts:
        return None
    counts = {name: float(count.alerts) for name, count in case.alerts.items()}
    return {name: counts.get(name, 0.0) for name in case.candidates}
