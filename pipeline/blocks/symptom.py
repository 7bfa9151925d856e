"""How far trouble shows where a given window says that it was seen; live, an alert says so.

One odd pane is no trouble: what counts of a series is the second largest z since the onset, or in
long windows what a tenth of the panes reach, so that a longer look finds no more by chance.
"""

import math

from pipeline.case_view import CaseView
from pipeline.metric_meaning import MetricClass
from pipeline.metric_reading import LEFT_BASELINE_Z

_LEAST_PANES = 2
_SHARE = 0.1


def measure_symptom(case: CaseView) -> dict[str, float]:
    """Measure the given symptom as context; nothing where none is given or nobody observes it."""
    name, scene = case.symptom, case.scene
    if not name or not scene.is_instrumented(name):
        return {}
    if name in case.members or scene.is_silent(name):
        return {"symptom_severity": 1.0, "symptom_lasting": 1.0}
    panes = _panes(case)
    beyond = sum(any((z or 0.0) > LEFT_BASELINE_Z for z in pane) for pane in panes)
    series = [_reached(column) for column in zip(*panes, strict=True)]
    severity = max(series, default=0.0) / scene.config.anomaly_z
    lasting = beyond / max(1, len(panes))
    spans = scene.span_severity(name) or 0.0
    if spans > severity:  # these are read over the whole window at once
        severity, lasting = spans, 1.0
    return {"symptom_severity": max(0.0, severity), "symptom_lasting": lasting}


def _panes(case: CaseView) -> list[tuple[float | None, ...]]:
    """Return for each pane since the onset the z of each series, None where none was sent."""
    reading, frame = case.scene.metrics(case.symptom), case.scene.frame
    # Traffic alone makes nobody anomalous.
    series = [s for s in reading.series if s.metric_class != MetricClass.TRAFFIC]
    since = case.group.first_ms - frame.window.step
    return [tuple(s.z[i] for s in series) for i, start in enumerate(frame.window) if start > since]


def _reached(zs: tuple[float | None, ...]) -> float:
    """Return what at least two panes reach, and a tenth of many; what was not sent is ordinary.

    A lone sample is all there is of a series that is sampled rarely.

    >>> _reached((0.0, 9.0, 3.0)), _reached((0.0, 9.0, None)), _reached((None, 9.0, None))
    (3.0, 0.0, 9.0)
    """
    known = [z for z in zs if z is not None]
    if len(known) < _LEAST_PANES:
        return max(known, default=0.0)
    place = max(_LEAST_PANES, math.ceil(_SHARE * len(zs)))
    return sorted(known)[-place] if len(known) >= place else 0.0
