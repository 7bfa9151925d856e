"""`python -m tests.faults`: plays the storm with faults and says what came of it."""

import asyncio
import json
import logging
import os
import sys
import time
from pathlib import Path

import click

from tests.clusters.jars import why_not
from tests.faults.campaign import Campaign, Choice, Result, possible
from tests.faults.foreseen import make_storm
from tests.faults.processes import Nursery
from tests.faults.report import as_json, as_markdown, scores, table
from tests.faults.rows import ROWS, Row
from tests.faults.strikes import FULL, QUICK

_FOLDER = Path(__file__).parents[2] / "build" / "faults"


@click.command()
@click.option("--quick", is_flag=True, help="Few runs and shorter outages: under five minutes.")
@click.option("--rows", "only", default="", help="Names of rows, or their beginnings, by comma.")
@click.option("--count", type=int, help="Runs of each row, instead of the table's number.")
@click.option("--cluster", type=click.Choice(("embedded", "apache")), default="embedded")
@click.option("--cold", is_flag=True, help="Start workers from nothing, as their users do.")
@click.option("--minutes", type=float, default=float("inf"), help="Begin no runs after this.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=_FOLDER)
@click.option("--json", "as_data", is_flag=True, help="Print the report as JSON.")
def main(  # noqa: PLR0913 - click passes each option as a parameter of its own
    *,
    quick: bool,
    only: str,
    count: int | None,
    cluster: str,
    cold: bool,
    minutes: float,
    seed: int,
    out: Path,
    as_data: bool,
) -> None:
    """Disturb Rootline while it works, and compare what comes out with the undisturbed run."""
    if cluster == "apache" and (reason := why_not()) is not None:
        click.echo(f"left out: {reason}")
        return
    rows, left_out = possible(chosen(only, quick=quick), cluster)
    runs = {row.name: count or (row.quick if quick else row.full) for row in rows}
    choice = Choice(
        runs=runs,
        scale=QUICK if quick else FULL,
        cluster=cluster,
        cold=cold,
        folder=out / "runs",
        seed=seed,
        minutes=minutes,
    )
    for name, reason in left_out.items():
        click.echo(f"left out: {name}: {reason}", err=True)
    results, facts = asyncio.run(_campaign(choice, quick=quick))
    found = scores(ROWS, results)
    out.mkdir(parents=True, exist_ok=True)
    data = as_json(found, results, facts)
    (out / "report.json").write_text(json.dumps(data, indent=1))
    (out / "report.md").write_text(as_markdown(found, results, facts))
    click.echo(json.dumps(data) if as_data else "\n".join(table(found)))
    sys.exit(any(not result.passed for result in results))


def chosen(only: str, *, quick: bool) -> list[Row]:
    """Return the rows asked for by name, or by the beginning of names; all of the target if none.

    >>> [row.name for row in chosen("kill-worker,cut", quick=False)]
    ['kill-worker', 'cut-broker']
    """
    names = {name for name in only.split(",") if name}
    if not names:
        return [row for row in ROWS if row.quick or not quick]
    exact = names & {row.name for row in ROWS}
    beginnings = tuple(names - exact)
    return [row for row in ROWS if row.name in exact or row.name.startswith(beginnings)]


async def _campaign(choice: Choice, *, quick: bool) -> tuple[list[Result], dict[str, object]]:
    began = time.monotonic()

    def told(result: Result) -> None:
        said = result.error or "; ".join(f"{f.kind}: {f.sentence}" for f in result.findings)
        run = result.run
        took = f"{run.took_seconds:.1f} s, waited {run.waited_seconds:.1f} s" if run else ""
        notes = ", ".join(run.notes) if run else ""
        line = f"{result.row} {result.number}: {'ok' if result.passed else said} {took} {notes}"
        click.echo(line.rstrip(), err=True)

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # brokers are away on purpose
    storm = make_storm()
    async with Nursery() as nursery:
        campaign = Campaign(choice, nursery, storm, told)
        results = await campaign.run()
    return results, {
        "cluster": choice.cluster,
        "outages": "shortened" if quick else "in full",
        "workers_start": "cold" if choice.cold else "warm",
        "cores": os.cpu_count(),
        "took_seconds": round(time.monotonic() - began),
    }


if __name__ == "__main__":
    main()
