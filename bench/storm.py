"""A storm on 200 services with telemetry, and the questions that the engine asks about it."""

from pipeline.config import PipelineConfig
from pipeline.engine import Engine
from schemas.candidate import Diagnosis, Question, Ranker
from schemas.signal import AlertSignal, TelemetrySignal
from tests.pipeline.builders import PANE, T0, a_service_pane, an_alert, an_edge_pane, telemetry

SERVICES = 200
ALERTS = 2_000
_BEFORE, _SINCE = 26, 4
"""Panes before the onset and since; all alerts come within the last one."""


def storm() -> tuple[list[TelemetrySignal], list[AlertSignal]]:
    """A tree of services, four callees each, whose leaves call one slow database."""
    edges = [(f"s{i}", f"s{4 * i + k}") for i in range(SERVICES) for k in range(1, 5)]
    edges = [(a, b) for a, b in edges if int(b[1:]) < SERVICES]
    callers = {a for a, _ in edges}
    edges += [(f"s{i}", "db") for i in range(SERVICES) if f"s{i}" not in callers]
    signals = []
    for pane in range(-_BEFORE, _SINCE):
        start, ms = T0 + pane * PANE, 900.0 if pane >= 0 else 20.0
        signals.append(
            telemetry(
                at_s=(pane + 1) * PANE / 1000,
                services=tuple(a_service_pane(f"s{i}", start, ms=ms) for i in range(SERVICES)),
                edges=tuple(an_edge_pane(a, b, start, ms=ms) for a, b in edges),
            )
        )
    begin_s = (_SINCE - 1) * PANE / 1000
    alerts = [
        an_alert(f"s{i % SERVICES}", rule=f"R{i // SERVICES}", at_s=begin_s + i * 0.014)
        for i in range(ALERTS)
    ]
    return signals, alerts


def correlate(signals: list[TelemetrySignal], alerts: list[AlertSignal], rank: Ranker) -> Engine:
    """Feed the storm in order of event time, each event arriving a second after it."""
    engine = Engine("bench", PipelineConfig(), rank)
    for signal in signals[:-1]:
        engine.handle(signal, signal.observed_ms + 1_000)
    for alert in alerts:
        engine.handle(alert, alert.alert.starts_ms + 1_000)
    engine.handle(signals[-1], signals[-1].observed_ms + 1_000)
    engine.advance(signals[-1].observed_ms)  # none is left waiting for the watermark
    return engine


class Listener:
    """A ranker that keeps the questions it was asked and lets another one answer."""

    def __init__(self, rank: Ranker) -> None:
        self._rank = rank
        self.questions: list[Question] = []

    def __call__(self, question: Question) -> Diagnosis:
        self.questions.append(question)
        return self._rank(question)
