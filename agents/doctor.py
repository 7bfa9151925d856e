"""`rootline doctor`: checks everything that Rootline depends on, one sentence each.

It changes nothing; only `--send-test` posts a message. Exit code 1 when a check fails.
"""

import asyncio
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path

import click
import orjson

from agents.cli import one_line
from agents.declared_edges import declared_edges
from agents.doctor_finding import Finding, Verdict, fail, ok
from agents.doctor_http import HttpDoctor
from agents.doctor_kafka import check_kafka
from agents.errors import SettingsError
from agents.files import read_model
from agents.options import json_option
from agents.settings import Settings, load_settings
from agents.settings_sources import configuration_file
from agents.terminal import say_json
from models.errors import ModelError
from models.ranker import load_ranker

_COLOURS = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}


@click.command()
@click.option(
    "--config",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file; else ROOTLINE_CONFIG, else ./rootline.toml where there is one.",
)
@click.option("--send-test", is_flag=True, help="Post a test message to each chat webhook.")
@click.option("--timeout", default=5.0, show_default=True, help="Seconds that one check may take.")
@json_option
def doctor(path: Path | None, *, send_test: bool, timeout: float, as_json: bool) -> None:
    """Check broker, topics, model, graph, webhook."""
    # What the libraries log of a connection that fails is said by the findings.
    logging.basicConfig(level=logging.CRITICAL)
    findings = diagnose(path, timeout_seconds=timeout, send_test=send_test)
    failed = any(finding.verdict is Verdict.FAIL for finding in findings)
    if as_json:
        rows = [asdict(finding) for finding in findings]
        say_json({"ok": not failed, "findings": rows}, orjson.OPT_INDENT_2)
    else:
        for finding in findings:
            verdict = click.style(f"{finding.verdict:<4}", fg=_COLOURS[finding.verdict])
            click.echo(f"{verdict}  {finding.check:<13}  {one_line(finding.sentence)}")
    if failed:
        sys.exit(1)


def diagnose(path: Path | None, *, timeout_seconds: float, send_test: bool) -> list[Finding]:
    """Run every check; without a configuration there is nothing else to check."""
    try:
        settings = load_settings(path, os.environ)
    except SettingsError as error:
        return [fail("configuration", str(error))]
    source = configuration_file(path, os.environ)
    said = f"{source} is valid" if source is not None else "no file; the defaults are in force"
    local = [ok("configuration", said), check_model(settings), check_graph(settings)]
    return local + asyncio.run(_remote(settings, timeout_seconds, send_test=send_test))


async def _remote(settings: Settings, timeout_seconds: float, *, send_test: bool) -> list[Finding]:
    kafka, http = await asyncio.gather(
        check_kafka(settings.kafka, settings.topics, timeout_seconds),
        HttpDoctor(settings, timeout_seconds).check(send_test=send_test),
    )
    return [*kafka, *http]


def check_model(settings: Settings) -> Finding:
    """Check that the ranker loads and is the expected one."""
    try:
        ranker = load_ranker(read_model(settings.model))
    except (SettingsError, ModelError) as error:
        return fail("model", str(error))
    where = settings.model.path or "the shipped one"
    return ok("model", f"ranker {ranker.version} loads ({where})")


def check_graph(settings: Settings) -> Finding:
    """Check that the graph files load."""
    try:
        files = declared_edges(settings.graph)
    except SettingsError as error:
        return fail("graph", str(error))
    if not files:
        return ok("graph", "no graph files are configured; the graph is learnt from traffic")
    loaded = ", ".join(f"{name} ({len(edges)} edges)" for name, edges in files.items())
    return ok("graph", f"graph files load: {loaded}")
