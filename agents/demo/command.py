"""The `demo` command: the main job end to end on this machine, with nothing prepared."""

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import click
import orjson
from rich.live import Live

from agents.demo.children import ChildDiedError
from agents.demo.closing import Closing, ClosingScreen
from agents.demo.configuration import FILE
from agents.demo.narration import Narrator
from agents.demo.next_steps import next_steps
from agents.demo.performance import RECORDING, Outcome, Performance
from agents.demo.picture import save_picture
from agents.demo.report import model_origin, report
from agents.demo.scene import Stage
from agents.demo.view import LiveView
from agents.notifier.plain import plain
from agents.options import json_option
from agents.terminal import Terminal, say, say_json
from models.simulator.faults import FAULTS

_FRAMES = 6
_LOOK_SECONDS = 0.25
_FAILED = 2
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the command line asks for."""

    fault: str
    seed: int
    speed: float
    keep: bool
    plain: bool
    as_json: bool
    svg: Path | None
    bootstrap: str | None

    @property
    def title(self) -> str:
        """What is played."""
        return f"{self.fault.replace('_', ' ')}, seed {self.seed}"


@click.command()
@click.option(
    "--fault",
    type=click.Choice(list(FAULTS)),
    default="pool_exhaustion",
    show_default=True,
    metavar="FAULT",
    help="What goes wrong; `rootline simulate --list` names the faults.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Draws all that is drawn.")
@click.option(
    "--speed",
    type=click.FloatRange(1, 200),
    default=15.0,
    show_default=True,
    help="Seconds of the storm in one second; the pipeline runs on event time.",
)
@click.option("--keep", is_flag=True, help="Leave everything running until Ctrl-C.")
@click.option("--plain", is_flag=True, help="Plain lines instead of a live view.")
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save the last screen as a picture.",
)
@click.option(
    "--bootstrap",
    metavar="HOST:PORT",
    help="Play on this Kafka, which has none of our topics, instead of the embedded broker.",
)
@json_option
def demo(**chosen: object) -> None:
    """Play an alert storm end to end: simulation, broker, gateway, worker, chat.

    Exit code 0 only if one incident with the real cause came out.
    """
    options = DemoOptions(**chosen)  # type: ignore[arg-type] # click has checked the types
    folder = Path(tempfile.mkdtemp(prefix="rootline-demo-"))
    try:
        code = asyncio.run(_interruptible(options, folder))
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)


async def _interruptible(options: DemoOptions, folder: Path) -> int:
    """Run until the end or a signal; either way everything is stopped in order."""
    running = asyncio.create_task(_Run(options, folder).play())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, running.cancel)
    try:
        return await running
    except ChildDiedError as error:
        # More than the one line that other errors get: the end of its log belongs to it.
        say(f"Error: {error}", err=True)
        return _FAILED
    except asyncio.CancelledError:
        say("stopped", err=True)
        return _INTERRUPTED


class _Run:
    """One run and how it is shown."""

    def __init__(self, options: DemoOptions, folder: Path) -> None:
        self._options = options
        self._console = Terminal(stderr=options.as_json)
        self._folder = folder
        self._stage = Stage(title=options.title, speed=options.speed)
        self._performance = Performance(
            folder,
            options.fault,
            options.seed,
            self._stage,
            self._changed,
            bootstrap=options.bootstrap,
        )
        self._tell: Callable[[], None] = lambda: None
        self._code = 1

    async def play(self) -> int:
        """Play; return the exit code."""
        with self._showing() as live:
            await self._performance.run(lambda outcome: self._close(outcome, live))
        return self._code

    def _changed(self) -> None:
        self._tell()

    def _showing(self) -> AbstractContextManager[Live | None]:
        performance = self._performance
        if self._console.is_terminal and not self._options.plain:
            view = LiveView(self._stage, performance.scene, performance.chat.messages)
            return Live(
                view,
                console=self._console,
                screen=True,
                refresh_per_second=_FRAMES,
                redirect_stdout=False,
                redirect_stderr=False,
            )
        narrator = Narrator(self._stage, self._console.out)
        self._tell = lambda: narrator.tell(performance)
        return nullcontext()

    async def _close(self, outcome: Outcome, live: Live | None) -> None:
        """Show what came out while everything still runs; with --keep wait for the signal."""
        if live is not None:
            live.stop()
        self._code = 0 if not outcome.problems else 1
        scene = self._performance.scene
        closing = Closing(
            title=self._options.title,
            problems=outcome.problems,
            payloads=outcome.payloads,
            wall_seconds=outcome.wall_seconds,
            reaction_seconds=outcome.reaction_seconds,
            model=model_origin(),
        )
        # One row is left for the prompt.
        rows = self._console.height - 1 if live is not None else None
        self._console.print(ClosingScreen(scene, closing, rows))
        if self._options.svg is not None:
            save_picture(ClosingScreen(scene, closing), self._options.svg)
        if self._options.as_json:
            say_json(report(scene, outcome), orjson.OPT_INDENT_2)
        if self._options.keep:
            await self._stay()

    async def _stay(self) -> None:
        assert self._performance.addresses is not None, "everything is started"
        steps = next_steps(
            self._performance.addresses, self._folder / FILE, self._folder / RECORDING
        )
        self._console.print(steps, markup=False, soft_wrap=True)
        messages = self._performance.chat.messages
        told = len(messages)
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for message in list(messages)[told:]:
                self._console.print(f"chat: {plain(message.headline, 160)}", markup=False)
            told = len(messages)
