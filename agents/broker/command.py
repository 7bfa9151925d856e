"""The `broker` command: runs the embedded broker until it is interrupted or terminated."""

import asyncio
import json
import logging
import signal
from pathlib import Path

import click

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker

_DEFAULTS = BrokerConfig()


@click.command()
@click.option("--host", default=_DEFAULTS.host, show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=_DEFAULTS.port, show_default=True, help="Port; 0 takes any free one."
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=_DEFAULTS.data_dir,
    show_default=True,
    help="Folder for topics and offsets; kept between runs.",
)
@click.option(
    "--fsync/--no-fsync",
    default=_DEFAULTS.fsync,
    show_default=True,
    help="Flush every write to the disk before acknowledging it.",
)
@click.option(
    "--allow-remote", is_flag=True, help="Permit an address that other machines can reach."
)
@click.option("--json", "as_json", is_flag=True, help="Print the ready line as JSON.")
def broker(
    *, host: str, port: int, data_dir: Path, fsync: bool, allow_remote: bool, as_json: bool
) -> None:
    """Run a small Kafka-protocol broker for demos and tests on this machine.

    It keeps what it acknowledged across a kill, but has no authentication, no replication and no
    transactions: for production run Apache Kafka.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    try:
        config = BrokerConfig(
            host=host, port=port, data_dir=data_dir, fsync=fsync, allow_remote=allow_remote
        )
        asyncio.run(_run(config, as_json=as_json))
    except (ValueError, RuntimeError, OSError) as error:
        raise click.ClickException(str(error)) from error


async def _run(config: BrokerConfig, *, as_json: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    embedded = EmbeddedBroker(config)
    await embedded.start()
    if as_json:
        row = {"bootstrap": embedded.bootstrap, "data_dir": str(config.data_dir)}
        click.echo(json.dumps(row))
    else:
        click.echo(f"ready on {embedded.bootstrap}, data in {config.data_dir}")
    await stopping.wait()
    await embedded.stop()
