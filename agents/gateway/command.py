"""The `gateway` command: runs the gateway until it is interrupted or terminated."""

import asyncio
import logging
import signal
from dataclasses import replace

import click
import orjson

from agents.errors import RootlineError, SettingsError
from agents.gateway.server import Gateway
from agents.kafka import security_arguments
from agents.logs import configure_logging
from agents.options import json_option, settings_option
from agents.settings import Settings
from agents.terminal import say

log = logging.getLogger(__name__)


@click.command()
@settings_option
@click.option("--host", help="Address to listen on; overrides gateway.host.")
@click.option("--port", type=int, help="Port; 0 takes any free one; overrides gateway.port.")
@json_option
def gateway(settings: Settings, *, host: str | None, port: int | None, as_json: bool) -> None:
    """Take alerts, OTLP and changes over HTTP into Kafka.

    Alertmanager posts to /api/v1/alertmanager, Prometheus to the root (it adds /api/v2/alerts),
    OTLP exporters to the root (they add /v1/traces and /v1/metrics), deploy jobs to
    /api/v1/changes. A 2xx means that Kafka has the message; a 503 that it should be sent again.
    """
    chosen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    try:
        section = replace(settings.gateway, **chosen)  # type: ignore[arg-type] # checked by click
        effective = replace(settings, gateway=section)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    configure_logging(effective.logging, secrets=effective.secrets())
    # A certificate that cannot be used is said before anything is begun.
    security_arguments(effective.kafka)
    asyncio.run(_run(effective, as_json=as_json))


async def _run(settings: Settings, *, as_json: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    log.info("effective configuration", extra={"settings": settings.redacted()})
    running = Gateway(settings)
    try:
        await running.start()
    except OSError as error:
        where = f"{settings.gateway.host}:{settings.gateway.port}"
        msg = f"cannot listen on {where}: {error.strerror}; choose another with --port"
        raise RootlineError(msg) from error
    bootstrap = settings.kafka.bootstrap
    if as_json:
        line = orjson.dumps({"url": running.url, "bootstrap": bootstrap}).decode()
    else:
        line = f"gateway ready on {running.url}, writing to Kafka at {bootstrap}"
    say(line)
    await stopping.wait()
    log.info("gateway stops")
    await running.stop()
