"""The `worker` command: runs the chosen stages on Kafka until it is interrupted or terminated."""

import asyncio
import logging
import sys
from dataclasses import replace

import click
import orjson

from agents.errors import SettingsError
from agents.logs import configure_logging
from agents.options import json_option, settings_option
from agents.settings import Settings
from agents.telemetry import Telemetry
from agents.terminal import say
from agents.version import installed_version
from agents.worker.app import WorkerApp, build_app
from agents.worker.config import ROLES
from agents.worker.engines import build_engines
from agents.worker.serving import serve

_log = logging.getLogger("worker")


@click.command()
@settings_option
@click.option(
    "--roles",
    metavar="LIST",
    help=f"What this worker does: some of {','.join(ROLES)}; else worker.roles.",
)
@json_option
def worker(settings: Settings, *, roles: str | None, as_json: bool) -> None:
    """Run the two stages on Kafka, and tell the chat webhooks.

    Any number of workers share the work. One line on stdout says when it is ready; it waits for
    Kafka for as long as that is away. SIGTERM ends it in an orderly way, with status 0; a second
    one at once. Ends with another status when it crashed or has to be started anew.
    """
    if roles is not None:
        settings = with_roles(settings, roles)
    configure_logging(settings.logging, secrets=settings.secrets())
    _log.info(
        "starting",
        extra={"version": installed_version(), "settings": settings.redacted()},
    )
    telemetry = Telemetry()
    app = build_app(settings, build_engines(settings), telemetry=telemetry)

    def announce(ready: WorkerApp) -> None:
        say(ready_line(settings, ready, as_json=as_json))

    serving = serve(
        app, settings.worker, announce, watchdog=settings.watchdog, metrics=telemetry.process
    )
    sys.exit(asyncio.run(serving))


def with_roles(settings: Settings, roles: str) -> Settings:
    """Replace the roles of a configuration by those of the command line.

    Raises:
        SettingsError: one is unknown.
    """
    wanted = tuple(role.strip() for role in roles.split(",") if role.strip())
    try:
        return replace(settings, worker=replace(settings.worker, roles=wanted))
    except ValueError as error:
        raise SettingsError(str(error)) from error


def ready_line(settings: Settings, app: WorkerApp, *, as_json: bool) -> str:
    """Say what runs and where its health is."""
    roles = list(settings.worker.roles)
    health = ""
    if app.health is not None:
        health = f"http://{settings.telemetry.host}:{app.health.server.port}"
    if as_json:
        row = {"ready": True, "roles": roles, "bootstrap": settings.kafka.bootstrap}
        return orjson.dumps(row | {"health": health}).decode()
    where = f", health on {health}/readyz" if health else ""
    return f"ready: {', '.join(roles)} on {settings.kafka.bootstrap}{where}"
