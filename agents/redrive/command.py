"""`rootline redrive`: dead letters back to where they came from, each once."""

import asyncio
import re
import sys
from typing import Any

import click
from aiokafka.errors import KafkaError
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from agents.errors import RootlineError
from agents.instant_option import Instant
from agents.options import json_option, settings_option
from agents.redrive.report import Report
from agents.redrive.selection import Selection
from agents.redrive.session import Order, Watching
from agents.redrive.session import redrive as run_redrive
from agents.settings import Settings
from agents.terminal import Terminal

_PLACE = re.compile(r"(\d{1,9}):(\d{1,18})", re.ASCII)


class KafkaUnreachableError(RootlineError):
    """Kafka did not answer as it should; what was done up to then is noted."""


@click.command()
@click.option("--topic", "topics", multiple=True, help="Only what came from this topic.")
@click.option("--stage", "stages", multiple=True, help="Only of this stage: reduce, notify, ...")
@click.option("--kind", "kinds", multiple=True, help="Only of this kind: undecodable, ...")
@click.option("--since", type=Instant(), help="Only letters from then on: a time, or 2h ago.")
@click.option("--until", type=Instant(), help="Only letters before then.")
@click.option("--match", "text", default="", help="Only with this in reason, key or message.")
@click.option(
    "--offset", "places", multiple=True, metavar="P:O", help="Only this partition:offset."
)
@click.option("--limit", type=click.IntRange(min=0), default=0, help="Send at most this many.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0.0),
    default=100.0,
    show_default=True,
    help="Letters a second; 0 is as fast as it goes.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be sent; write nothing.")
@click.option("--again", is_flag=True, help="Also what was sent before.")
@click.option(
    "--max-attempts",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Leave out what was sent this often and failed each time.",
)
@settings_option
@json_option
def redrive(settings: Settings, *, as_json: bool, **options: Any) -> None:
    """Send dead letters to where they came from, as they were.

    A letter that was sent is noted in the topic rootline.redriven and not sent a second time. Exit
    code 1: something that was asked for could not be sent, and the output says why.
    """
    order = _order(options)
    report = Report(as_json=as_json, dry_run=order.dry_run)
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    quiet = not click.get_text_stream("stderr").isatty()
    with Progress(*columns, transient=True, disable=quiet, console=Terminal(stderr=True)) as bar:
        task = bar.add_task("reading dead letters", total=1.0)
        watching = Watching(
            told=report.told, progress=lambda share: bar.update(task, completed=share)
        )
        try:
            asyncio.run(run_redrive(settings, order, watching))
        except (KafkaError, OSError, TimeoutError) as error:
            report.close()
            msg = (
                f"Kafka at {settings.kafka.bootstrap} does not answer as it should "
                f"({type(error).__name__}: {error}); run the command again, what was sent is noted"
            )
            raise KafkaUnreachableError(msg) from error
    report.close()
    sys.exit(report.exit_code)


def _order(options: dict[str, Any]) -> Order:
    """Make the order of what the command line says."""
    return Order(
        selection=Selection(
            topics=options["topics"],
            stages=options["stages"],
            kinds=options["kinds"],
            since_ms=options["since"],
            until_ms=options["until"],
            text=options["text"],
            places=tuple(_place(text) for text in options["places"]),
        ),
        dry_run=options["dry_run"],
        again=options["again"],
        limit=options["limit"],
        rate=options["rate"],
        max_attempts=options["max_attempts"],
    )


def _place(text: str) -> tuple[int, int]:
    """Read a letter's place.

    >>> _place("2:17")
    (2, 17)
    """
    found = _PLACE.fullmatch(text)
    if found is None:
        msg = f"{text!r} is no place of a letter; expected partition:offset, like 2:17"
        raise click.BadParameter(msg, param_hint="--offset")
    return int(found[1]), int(found[2])
