"""`rootline replay`: the pipeline over a recording, or over the topics to check what came out.

A replay of a recording prints every revision as it would be published; the same recording gives
the same bytes. A replay from Kafka rebuilds the incidents and shows where they differ.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from aiokafka.errors import KafkaError
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from agents.errors import RootlineError
from agents.instant_option import Instant
from agents.offline import OfflineConfig, run_offline
from agents.options import json_option, settings_option
from agents.rankers import configured_ranker
from agents.recordings import read_recording
from agents.replay.comparing import Comparison
from agents.replay.comparison_report import print_comparison
from agents.replay.kafka_run import rebuild
from agents.replay.order import Order, Source, usual_warmup_ms
from agents.replay.printing import last_revisions, print_json, print_table
from agents.settings import Settings
from agents.terminal import Terminal
from agents.worker.engines import build_engines


class ReplayError(RootlineError):
    """The command line asks for something that cannot be replayed, or Kafka went away."""


@click.command()
@click.argument("recording", type=click.Path(path_type=Path), required=False)
@click.option("--final", is_flag=True, help="Only the last revision of each incident.")
@click.option("--from-kafka", is_flag=True, help="Rebuild incidents from the topics, compare.")
@click.option("--since", type=Instant(), help="Incidents from then on: a time, or 2h ago.")
@click.option("--until", type=Instant(), help="Incidents detected before then.")
@click.option("--warmup", type=click.FloatRange(min=0.0), help="Minutes read before --since.")
@click.option("--environment", default="", help="Only this environment.")
@click.option(
    "--source",
    type=click.Choice([source.value for source in Source]),
    default=Source.SIGNALS.value,
    show_default=True,
    help="What is read: the log between the stages, or what came in.",
)
@click.option("--exact", is_flag=True, help="Other details are differences too.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the inputs as a recording.")
@settings_option
@json_option
def replay(
    *,
    recording: Path | None,
    final: bool,
    from_kafka: bool,
    settings: Settings,
    as_json: bool,
    **topics: Any,
) -> None:
    """Run the pipeline over RECORDING, or --from-kafka over the topics.

    From Kafka nothing is written and no group is joined. Exit code 0: the incidents are those that
    were published; 1: something differs, and the output says what.
    """
    if from_kafka == (recording is not None):
        msg = "expected either a RECORDING or --from-kafka --since TIME, and not both"
        raise ReplayError(msg)
    if from_kafka:
        result = _from_kafka(settings, topics)
        print_comparison(result, as_json=as_json)
        sys.exit(int(result.differs(exact=topics["exact"])))
    assert recording is not None
    _from_recording(recording, settings, final=final, as_json=as_json)


def _from_recording(recording: Path, settings: Settings, *, final: bool, as_json: bool) -> None:
    content = read_recording(recording)
    config = OfflineConfig(
        resolver=settings.resolver,
        reduce=settings.reduce,
        pipeline=settings.pipeline,
        future_seconds=settings.worker.future_seconds,
    )
    with _progress() as bar:
        task = bar.add_task(f"replaying {recording}", total=1.0)
        run = run_offline(
            content,
            configured_ranker(settings.model),
            config=config,
            progress=lambda share: bar.update(task, completed=share),
        )
    outputs = last_revisions(run.outputs) if final else run.outputs
    if as_json:
        print_json(outputs, run)
    else:
        print_table(run)


def _from_kafka(settings: Settings, topics: dict[str, Any]) -> Comparison:
    if topics["since"] is None:
        msg = "--from-kafka needs --since: a time like 2026-09-01T10:00:00Z, or 2h for 2 hours ago"
        raise ReplayError(msg)
    warmup = topics["warmup"]
    order = Order(
        since_ms=topics["since"],
        until_ms=topics["until"],
        warmup_ms=usual_warmup_ms(settings) if warmup is None else round(warmup * 60_000),
        environment=topics["environment"],
        source=Source(topics["source"]),
        out=topics["out"],
    )
    engines = build_engines(settings)
    with _progress() as bar:
        task = bar.add_task("looking at the topics", total=1.0)

        def told(what: str, share: float) -> None:
            bar.update(task, description=what, completed=share)

        try:
            return asyncio.run(rebuild(settings, engines, order, told))
        except (KafkaError, OSError, TimeoutError) as error:
            msg = (
                f"Kafka at {settings.kafka.bootstrap} does not answer as it should "
                f"({type(error).__name__}: {error}); see `rootline doctor`"
            )
            raise ReplayError(msg) from error


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    quiet = not click.get_text_stream("stderr").isatty()
    with Progress(*columns, transient=True, disable=quiet, console=Terminal(stderr=True)) as bar:
        yield bar
