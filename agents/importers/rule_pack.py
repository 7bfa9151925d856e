"""Alerts for sets that have none: the rules of `rule_table` over a recording's series.

As Prometheus would: the rules are evaluated every 15 s (or as often as there are samples, where
those are further apart), fire after two evaluations in a row and end after two without. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.importers.rule_grid import holds, on_grid
from agents.importers.rule_table import RULES, Rule
from agents.importers.webhook import AlertState, webhook_message
from pipeline.metric_meaning import MetricClass
from schemas.recording import Message
from schemas.telemetry import Labels, labels_of

EVALUATE_MS = 15_000
FOR_EVALUATIONS = 2
"""How many evaluations in a row a condition must hold to fire, and be gone to resolve."""
LEAST_CALLS = 20
"""A latency or share of fewer calls breaks no rule: a single one of them is above 5 % of all."""
DELIVERY_MS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSeries:
    """What a class of a component was; NaN is no sample.

    Units: latency in seconds, errors and availability as shares of calls (0 to 1), traffic in
    calls per second; the other classes in any unit. `calls` is how many calls each value is about,
    None where nobody counted them.
    """

    component: str
    metric_class: MetricClass
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    calls: NDArray[np.float64] | None = None

    def trusted(self) -> NDArray[np.float64]:
        """Return the values that are about enough calls; NaN for the others."""
        if self.calls is None:
            return self.values
        return np.where(self.calls >= LEAST_CALLS, self.values, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Firing:
    rule: Rule
    labels: Labels
    start_ms: int
    end_ms: int | None


def derive_alerts(
    series: Sequence[RuleSeries], *, start_ms: int, end_ms: int
) -> tuple[Message, ...]:
    """Return the alert messages that the rules send between two times, in order of arrival.

    One alert a rule and component, whichever of the component's series of that class is bad; its
    labels are alertname, service and severity.
    """
    firings: list[_Firing] = []
    for rule in RULES:
        of_class = [each for each in series if each.metric_class is rule.metric_class]
        flags: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
        for step_ms, group in _by_step(of_class):
            for component, spans in _spans(rule, group, step_ms, (start_ms, end_ms)):
                flags[component] += spans
        for component in sorted(flags):
            labels = _labels(rule, component)
            firings += [
                _Firing(rule=rule, labels=labels, start_ms=start, end_ms=end)
                for start, end in _joined(flags[component])
            ]
    return _messages(firings)


def _labels(rule: Rule, component: str) -> Labels:
    return labels_of({"alertname": rule.name, "service": component, "severity": rule.severity})


def _by_step(series: Iterable[RuleSeries]) -> Iterator[tuple[int, list[RuleSeries]]]:
    groups: dict[int, list[RuleSeries]] = defaultdict(list)
    for each in series:
        times = each.times_ms[np.isfinite(each.values)]
        if len(times) > 1:
            spacing = int(np.median(np.diff(np.sort(times))))
            groups[max(EVALUATE_MS, spacing)].append(each)
    yield from sorted(groups.items())


def _spans(
    rule: Rule, series: list[RuleSeries], step_ms: int, between: tuple[int, int]
) -> Iterator[tuple[str, list[tuple[int, int | None]]]]:
    """Yield for each series when it fired: (start, end), the end None where it goes on."""
    first = min(between[0], *(int(each.times_ms.min()) for each in series))
    grid = np.arange(first, between[1] + 1, step_ms, dtype=np.int64)
    values = np.column_stack([on_grid(each.times_ms, each.values, grid) for each in series])
    judged = np.column_stack([on_grid(each.times_ms, each.trusted(), grid) for each in series])
    held = holds(rule, values, judged, step_ms)
    for column, each in enumerate(series):
        spans = [
            (max(between[0], int(grid[start])), None if end is None else int(grid[end]))
            for start, end in _runs(held[:, column])
            if end is None or grid[end] >= between[0]
        ]
        if spans:
            yield each.component, spans


def _runs(held: NDArray[np.bool_]) -> Iterator[tuple[int, int | None]]:
    """Yield the evaluations at which an alert starts to fire and ends.

    >>> list(_runs(np.array([0, 1, 1, 0, 1, 0, 0, 1], dtype=bool)))
    [(2, 6)]
    """
    start: int | None = None
    row = 0
    for index, now in enumerate(held.tolist()):
        row = row + 1 if now is (start is None) else 0
        if row >= FOR_EVALUATIONS:
            if start is not None:
                yield start, index
            start, row = (index, 0) if start is None else (None, 0)
    if start is not None:
        yield start, None


def _joined(spans: list[tuple[int, int | None]]) -> list[tuple[int, int | None]]:
    """Put the overlapping times of a component's series together."""
    joined: list[tuple[int, int | None]] = []
    for start, end in sorted(spans, key=lambda span: span[0]):
        if joined and (joined[-1][1] is None or start <= joined[-1][1]):
            last_start, last_end = joined.pop()
            ends = None if end is None or last_end is None else max(end, last_end)
            joined.append((last_start, ends))
        else:
            joined.append((start, end))
    return joined


def _messages(firings: Sequence[_Firing]) -> tuple[Message, ...]:
    """One message an alertname and moment: all alerts of that name that change just then."""
    moments: dict[tuple[int, str], list[AlertState]] = defaultdict(list)
    for firing in firings:
        state = AlertState(
            labels=firing.labels, start_ms=firing.start_ms, summary=firing.rule.summary
        )
        moments[firing.start_ms, firing.rule.name].append(state)
        if firing.end_ms is not None:
            ended = AlertState(
                labels=firing.labels,
                start_ms=firing.start_ms,
                end_ms=firing.end_ms,
                summary=firing.rule.summary,
            )
            moments[firing.end_ms, firing.rule.name].append(ended)
    return tuple(
        webhook_message(states, arrived_ms=moment + DELIVERY_MS)
        for (moment, _), states in sorted(moments.items(), key=lambda item: item[0])
    )
