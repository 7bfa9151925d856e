"""The control of RCAEval: mean latency after the onset over mean latency before it.

A p90-like series is taken where the component has one. Reported because one line of it beats
several published methods.
"""

from models.baselines.case import BaselineCase, RawSeries, Scores


def latency_ratio(case: BaselineCase) -> Scores | None:
    """Score by the largest ratio among the candidate's latency series; 0 for who has none."""
    found = [s for s in case.series if s.metric_class == "latency" and _comparable(s)]
    with_quantile = {s.component for s in found if s.quantile}
    best: dict[str, float] = {}
    for series in found:
        if series.quantile or series.component not in with_quantile:
            ratio = float(series.after.mean() / series.before.mean())
            best[series.component] = max(best.get(series.component, 0.0), ratio)
    if not any(name in best for name in case.candidates):
        return None
    return {name: best.get(name, 0.0) for name in case.candidates}


def _comparable(series: RawSeries) -> bool:
    return bool(len(series.before) and len(series.after) and series.before.mean() > 0.0)
