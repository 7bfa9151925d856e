"""The `rootline` command: one table of subcommands, each imported only when it is called.

So `rootline --help` needs neither Faust nor scikit-learn, and an error of ours ends as one
sentence on stderr with exit code 2, never as a traceback.
"""

from importlib import import_module
from typing import NamedTuple, cast

import click

from agents.errors import RootlineError
from agents.version import installed_version
from models.errors import ModelError
from schemas.errors import SchemaError


class Subcommand(NamedTuple):
    """Where a subcommand lives ("module:object") and the line that `--help` shows for it."""

    target: str
    summary: str


SUBCOMMANDS: dict[str, Subcommand] = {
    "demo": Subcommand("agents.demo.command:demo", "Play an alert storm end to end."),
    "worker": Subcommand("agents.worker.command:worker", "Run the two stages on Kafka."),
    "gateway": Subcommand(
        "agents.gateway.command:gateway", "Take alerts, OTLP and changes over HTTP into Kafka."
    ),
    "broker": Subcommand(
        "agents.broker.command:broker", "Run the embedded Kafka-protocol broker (demos, tests)."
    ),
    "replay": Subcommand(
        "agents.replay.command:replay", "Run the pipeline over a recording, or again over Kafka."
    ),
    "redrive": Subcommand(
        "agents.redrive.command:redrive", "Send dead letters to where they came from."
    ),
    "simulate": Subcommand("agents.simulate:simulate", "Simulate a fault into a recording."),
    "import": Subcommand(
        "agents.importers.command:import_set", "Import a public labelled set as recordings."
    ),
    "train": Subcommand("agents.training:train", "Train the ranker from case rows."),
    "cases": Subcommand(
        "agents.cases.command:cases", "List, show, add, verify, compare cases of the library."
    ),
    "evaluate": Subcommand(
        "agents.evaluation.command:evaluate", "Say how good a ranker is on labelled recordings."
    ),
    "doctor": Subcommand("agents.doctor:doctor", "Check broker, topics, model, graph, webhook."),
    "config": Subcommand("agents.settings_command:config", "Print the effective configuration."),
}


class Failure(click.ClickException):
    """One of our own errors on its way to the terminal."""

    exit_code = 2


class LazyGroup(click.Group):
    """A click group that knows its subcommands by the table and imports one when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the subcommands in the order of the table."""
        del ctx
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module that holds a subcommand, or None where the table has no such name."""
        del ctx
        if cmd_name not in SUBCOMMANDS:
            return None
        module, _, attribute = SUBCOMMANDS[cmd_name].target.partition(":")
        return cast("click.Command", getattr(import_module(module), attribute))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands from the table alone, so that `--help` imports none of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in SUBCOMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a subcommand; errors that the user can mend become one sentence and exit code 2."""
        try:
            return super().invoke(ctx)
        except (RootlineError, SchemaError, ModelError) as error:
            raise Failure(one_line(str(error))) from error


def one_line(text: str) -> str:
    r"""Put a message on one line and take control characters out of it (it may quote input).

    >>> one_line("bad \x1b[31m\n  name")
    'bad ?[31m name'
    """
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(installed_version(), prog_name="rootline")
def main() -> None:
    """Turn an alert storm into one incident with a ranked, explained root cause."""
