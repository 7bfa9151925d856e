"""`make bench`: rates of the hot paths, each beside a yardstick measured in the same run.

Absolute rates depend on the machine and on what else it does; the ratios are what to compare.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
import orjson
from rich.console import Console
from rich.table import Table

from agents.offline import run_offline
from bench.storm import Listener, correlate
from bench.storm import storm as connected_storm
from models.ranker import load_ranker
from models.rules import RuleRanker
from models.simulator.config import SimulationConfig
from models.simulator.simulate import simulate
from models.simulator.wire import wire_messages
from pipeline.config import PipelineConfig
from pipeline.engine import Engine
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.metrics import MetricReducer
from pipeline.reduce.spans import SpanReducer
from schemas.codecs.future import keep_spans
from schemas.codecs.otlp_spans import decode_spans
from schemas.codecs.prometheus_json import decode_samples
from schemas.recording import Recording
from schemas.resolve import Resolver, ResolverConfig
from schemas.signal import TelemetrySignal
from tests.pipeline.builders import an_alert, healthy_then_slow

REPEATS = 3
CONFIG = SimulationConfig(warmup_seconds=300, storm_seconds=240, request_rate=15)


@dataclass(frozen=True)
class Row:
    """One measurement: `ratio` is the yardstick's time over ours for the same number of units."""

    name: str
    unit: str
    per_second: float
    yardstick: str
    ratio: float


def seconds(work: Callable[[], object]) -> float:
    """Median time of a piece of work."""
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def row(
    name: str, unit: str, count: int, work: Callable[[], object], yard: tuple[str, float]
) -> Row:
    """Measure some work on `count` units against a yardstick's seconds for the same units."""
    took = seconds(work)
    return Row(name, unit, count / took, yard[0], yard[1] / took)


def decoding(recording: Recording) -> list[Row]:
    messages = list(wire_messages(recording))
    spans = [m.value for m in messages if m.topic == "otlp_spans"][:400]
    samples = [m.value for m in messages if m.topic == "metrics"][:20_000]
    count = sum(len(decode_spans(value)) for value in spans)
    rows = [{"traceId": "0" * 32, "name": "GET", "start": i, "end": i} for i in range(count)]
    as_json = orjson.dumps(rows)
    yard = ("orjson.loads of as many small objects", seconds(lambda: orjson.loads(as_json)))
    plain = (
        "orjson.loads of the same bytes",
        seconds(lambda: [orjson.loads(value) for value in samples]),
    )
    return [
        row("decode OTLP spans", "spans", count, lambda: [decode_spans(v) for v in spans], yard),
        row("decode samples", "samples", len(samples), lambda: decode_samples(samples), plain),
    ]


def reducing(recording: Recording) -> list[Row]:
    spans, metrics = recording.spans, recording.metrics
    assert spans is not None
    assert metrics is not None
    batches = [keep_spans(spans, part) for part in _parts(len(spans), 1_000)]
    cuts = [
        replace(
            metrics,
            series=metrics.series[p],
            time_ms=metrics.time_ms[p],
            value=metrics.value[p],
        )
        for p in _parts(len(metrics), 2_000)
    ]

    def reduce_spans() -> None:
        reducer = SpanReducer("bench/0", Resolver(ResolverConfig()), ReduceConfig())
        for batch in batches:
            reducer.handle(batch, recording.end_ms)

    def reduce_metrics() -> None:
        reducer = MetricReducer("bench/0", Resolver(ResolverConfig()), ReduceConfig())
        for batch in cuts:
            reducer.handle(batch, recording.end_ms)

    sorts = ("numpy sort of the same rows", seconds(lambda: [np.sort(b.span_id) for b in batches]))
    metric_sorts = (sorts[0], seconds(lambda: [np.sort(b.value) for b in cuts]))
    return [
        row("reduce spans", "spans", len(spans), reduce_spans, sorts),
        row("reduce samples", "samples", len(metrics), reduce_metrics, metric_sorts),
    ]


def _parts(count: int, size: int) -> list[np.ndarray]:
    places = np.arange(count)
    return [(places >= at) & (places < at + size) for at in range(0, count, size)]


def correlating() -> list[Row]:
    """Alerts that nothing links, then as many on services whose telemetry links them."""
    telemetry = healthy_then_slow()
    alerts = [
        an_alert(f"s{i % 200}", rule=f"R{i // 200}", at_s=i * 0.03 + 0.001 * i)
        for i in range(2_000)
    ]
    encoded = orjson.dumps(alerts)

    def storm() -> None:
        engine = Engine("bench", PipelineConfig(), RuleRanker())
        for signal in telemetry:
            engine.handle(signal, signal.observed_ms + 1_000)
        for alert in alerts:
            engine.handle(alert, alert.alert.starts_ms + 1_000)
        assert isinstance(telemetry[0], TelemetrySignal)

    yard = ("orjson.loads of the same alerts", seconds(lambda: orjson.loads(encoded)))
    name = "correlate alerts that nothing links"
    return [row(name, "alerts", len(alerts), storm, yard), linked()]


def linked() -> Row:
    signals, alerts = connected_storm()
    encoded = orjson.dumps(alerts)
    yard = ("orjson.loads of the same alerts", seconds(lambda: orjson.loads(encoded)))
    name = "correlate a storm on 200 linked services"
    rank = RuleRanker()
    return row(name, "alerts", len(alerts), lambda: correlate(signals, alerts, rank), yard)


def answering(recording: Recording) -> list[Row]:
    rank = load_ranker()
    listener = Listener(rank)
    run_offline(recording, listener)
    questions = listener.questions
    yard = ("orjson.dumps of the same questions", seconds(lambda: orjson.dumps(questions)))
    name = "rank the candidates of an incident"
    return [row(name, "questions", len(questions), lambda: [rank(q) for q in questions], yard)]


def replaying(recording: Recording) -> list[Row]:
    rank = load_ranker()
    events = len(recording.alerts) + len(recording.spans or ()) + len(recording.metrics or ())
    length = (recording.end_ms - recording.start_ms) / 1000
    return [
        row(
            "replay a simulated storm",
            "events",
            events,
            lambda: run_offline(recording, rank),
            ("real time", length),
        )
    ]


def main() -> None:
    """Run all benchmarks and print a table, or JSON with --json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    as_json = parser.parse_args().json
    recording = simulate("pool_exhaustion", seed=1, config=CONFIG)
    rows = [*decoding(recording), *reducing(recording), *correlating()]
    rows += [*answering(recording), *replaying(recording)]
    if as_json:
        json.dump([asdict(r) for r in rows], sys.stdout, indent=2)
        return
    table = Table(title="median of 3")
    for heading in ("what", "per second", "unit", "yardstick", "yardstick's time / ours"):
        table.add_column(heading)
    for r in rows:
        table.add_row(r.name, f"{r.per_second:,.0f}", r.unit, r.yardstick, f"{r.ratio:.3g}")
    Console().print(table)


if __name__ == "__main__":
    main()
