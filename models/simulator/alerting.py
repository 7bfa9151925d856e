"""Evaluates rules as Prometheus does: pending until held long enough, firing, resolved."""

from dataclasses import dataclass
from string import Formatter
from typing import Any

import numpy as np

from models.simulator.alert_rule import AlertRule
from models.simulator.promql import Query
from schemas.telemetry import Labels, labels_of

EVALUATION_SHARE = 0.97
"""Rules are evaluated once an interval, after all scrapes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One alert from when it fires to when it is resolved; None when it never was."""

    rule: AlertRule
    labels: Labels
    start_ms: int
    end_ms: int | None
    summary: str


def evaluate(
    rules: tuple[AlertRule, ...], query: Query, *, start_ms: int, interval: int
) -> list[Firing]:
    """Return every alert of the run, in the order in which they fire."""
    firings: list[Firing] = []
    for rule in rules:
        vector = rule.expression(query)
        held = ~np.isnan(vector.values)
        ticks = round(rule.hold_seconds / interval)
        for row, labels in enumerate(vector.labels):
            for first, last in _runs(held[row], ticks):
                ended = last + 1 < held.shape[1]
                firings.append(
                    Firing(
                        rule=rule,
                        labels=_labels(rule, labels),
                        start_ms=start_ms + _moment(first, interval),
                        end_ms=start_ms + _moment(last + 1, interval) if ended else None,
                        summary=_summary(rule, labels, float(vector.values[row, first])),
                    )
                )
    return sorted(firings, key=lambda f: (f.start_ms, f.rule.name, f.labels))


def _moment(tick: int, interval: int) -> int:
    """Return when evaluation `tick` happens, in milliseconds of the run."""
    return round((tick + EVALUATION_SHARE) * interval * 1000)


def _runs(held: "np.ndarray[Any, np.dtype[np.bool_]]", ticks: int) -> list[tuple[int, int]]:
    """Return the stretches in which an alert fires.

    >>> _runs(np.array([False, True, True, True, False, True]), 1)
    [(2, 3)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], held, [False])).astype(np.int8)))
    pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(begin + ticks, end - 1) for begin, end in pairs if end - 1 >= begin + ticks]


def _labels(rule: AlertRule, labels: dict[str, str]) -> Labels:
    own = {"alertname": rule.name, "severity": rule.severity}
    return labels_of({**labels, **own})


def _summary(rule: AlertRule, labels: dict[str, str], value: float) -> str:
    fields = {name for _, name, _, _ in Formatter().parse(rule.summary) if name}
    values: dict[str, Any] = {name: labels.get(name, "") for name in sorted(fields)}
    values["value"] = value * rule.scale
    return rule.summary.format(**values)
