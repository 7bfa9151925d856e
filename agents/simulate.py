"""`rootline simulate FAULT --seed N --out DIR`: a recording of a simulated fault."""

from dataclasses import replace
from pathlib import Path

import click
import orjson
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from agents.errors import RootlineError
from agents.options import json_option
from agents.recordings import write_recording
from agents.terminal import say, say_json
from models.simulator.config import SimulationConfig
from models.simulator.faults import FAULTS, HEALTHY
from models.simulator.simulate import SIZED_TOPOLOGIES, TOPOLOGIES
from models.simulator.simulate import simulate as run_simulation
from schemas.recording import Recording


class NothingToSimulateError(RootlineError):
    """The command line asks for something that cannot be simulated."""


@click.command()
@click.argument("fault", required=False)
@click.option("--seed", type=int, default=1, show_default=True, help="Draws all that is drawn.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write the recording to.")
@click.option(
    "--topology",
    type=click.Choice((*TOPOLOGIES, *SIZED_TOPOLOGIES)),
    default="shop",
    show_default=True,
    help="System.",
)
@click.option("--target", help="Component to break; drawn by the seed unless given.")
@click.option("--storm", type=float, default=420.0, show_default=True, help="Seconds of storm.")
@click.option("--warmup", type=float, default=600.0, show_default=True, help="Seconds before it.")
@click.option(
    "--recovery", type=float, default=0.0, show_default=True, help="Seconds after the storm."
)
@click.option(
    "--rate", type=float, default=30.0, show_default=True, help="User requests a second."
)
@click.option("--start-ms", type=int, help="Epoch ms of its start; fixed unless given.")
@click.option("--list", "as_list", is_flag=True, help="Name the faults that can be simulated.")
@json_option
def simulate(  # noqa: PLR0913 - click passes each option as a parameter of its own
    *,
    fault: str | None,
    seed: int,
    out: Path | None,
    topology: str,
    target: str | None,
    storm: float,
    warmup: float,
    recovery: float,
    rate: float,
    start_ms: int | None,
    as_list: bool,
    as_json: bool,
) -> None:
    """Simulate FAULT in a system of services and write what it sent as a recording."""
    if as_list:
        _list(as_json=as_json)
        return
    if fault is None or out is None:
        msg = "simulate needs a FAULT and --out DIR; `rootline simulate --list` names the faults"
        raise NothingToSimulateError(msg)
    try:
        config = SimulationConfig(
            warmup_seconds=warmup,
            storm_seconds=storm,
            recovery_seconds=recovery,
            request_rate=rate,
            target=target,
        )
        if start_ms is not None:
            config = replace(config, start_ms=start_ms)
        recording = _simulate(fault, seed=seed, topology=topology, config=config)
    except ValueError as error:
        raise NothingToSimulateError(str(error)) from error
    try:
        write_recording(recording, out)
    except OSError as error:
        msg = f"--out {out} cannot be written ({error.strerror}); name a folder that can be made"
        raise NothingToSimulateError(msg) from error
    _report(recording, out, as_json=as_json)


def _simulate(fault: str, *, seed: int, topology: str, config: SimulationConfig) -> Recording:
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(
        *columns, transient=True, disable=not click.get_text_stream("stderr").isatty()
    ) as bar:
        task = bar.add_task(f"simulating {fault}", total=1.0)
        return run_simulation(
            fault,
            seed=seed,
            topology=topology,
            config=config,
            progress=lambda share: bar.update(task, completed=share),
        )


def _list(*, as_json: bool) -> None:
    rows = [
        {"name": HEALTHY, "pattern": "", "description": "Nothing goes wrong."},
        *(
            {"name": f.name, "pattern": f.pattern, "description": f.description}
            for f in FAULTS.values()
        ),
    ]
    if as_json:
        say_json(rows, orjson.OPT_INDENT_2)
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        say(f"{row['name']:<{width}}  {row['description']}")


def _report(recording: Recording, out: Path, *, as_json: bool) -> None:
    facts = {
        "out": str(out),
        "alert_messages": len(recording.alerts),
        "spans": len(recording.spans) if recording.spans is not None else 0,
        "samples": len(recording.metrics) if recording.metrics is not None else 0,
        "changes": len(recording.changes),
        "truth": [
            {"component": f.component, "pattern": f.pattern, **f.details}
            for f in recording.truth or ()
        ],
    }
    if as_json:
        say_json(facts, orjson.OPT_INDENT_2)
        return
    say(
        f"{out}: {facts['alert_messages']} alert messages, {facts['spans']} spans, "
        f"{facts['samples']} samples, {facts['changes']} changes"
    )
    say(f"next: rootline replay {out}")
