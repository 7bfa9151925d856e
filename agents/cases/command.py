"""`rootline cases`: the labelled case library."""

import click

from agents.cases.adding import add_cases
from agents.cases.likeness import similar_cases
from agents.cases.listing import list_cases
from agents.cases.showing import show_case
from agents.cases.verifying import verify_cases


@click.group()
def cases() -> None:
    """List, show, add, verify and compare the cases that the ranker learns from."""


for _command in (list_cases, show_case, add_cases, verify_cases, similar_cases):
    cases.add_command(_command)
