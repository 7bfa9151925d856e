"""Hostile text from telemetry, published, told and received: it is text there and nothing else."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.demo.chat_view import render_terminal
from agents.terminal import Terminal
from schemas.incident import Incident, IncidentCandidate, IncidentEvidence, IncidentPattern
from tests.agents.hostile_text import HOSTILE, driving
from tests.agents.notifier.place import Place, in_place, running

pytestmark = pytest.mark.integration

Build = Callable[..., Incident]
CONSOLE = "https://rootline.example"
ANCHOR = re.compile(r"<https://rootline\.example/incidents/[^<>|\s]+\|Open in the console>")


def hostile_incident(
    an_incident: Build,
    a_candidate: Callable[..., IncidentCandidate],
    an_evidence: Callable[..., IncidentEvidence],
    text: str,
    number: int,
) -> Incident:
    """Write the text into everything that can come from telemetry."""
    pattern = IncidentPattern(
        pattern=text, family=text, title=text, probability=0.9, first_actions=(text, text)
    )
    candidates = tuple(
        a_candidate(
            text,
            0.9 - rank / 10,
            rank=rank,
            kind=text,
            patterns=(pattern,),
            evidence=(an_evidence(text, 0.9, text), an_evidence(text, 0.5, text, supports=False)),
            path=(text, text),
        )
        for rank in (1, 2)
    )
    return an_incident(
        incident_id=f"{text[:100]}{number}",
        revision=1,
        environment=text,
        severity=text,
        title=text,
        started_at=text,
        components=(text, text),
        candidates=candidates,
        abstained=number % 3 == 0,
        abstain_reason=text,
        model_version=text,
        flapping=(text,),
        previous_incident_id=text,
    )


def texts(value: Any, *, marked_up: bool = True) -> Iterator[tuple[str, bool]]:
    """Yield every text, and whether chat reads markup from it."""
    if isinstance(value, str):
        yield value, marked_up
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item, marked_up=value.get("type") != "plain_text")
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def test_hostile_text_comes_as_text_to_chat_and_to_the_terminal_that_shows_it(
    an_incident: Build,
    a_candidate: Callable[..., IncidentCandidate],
    an_evidence: Callable[..., IncidentEvidence],
    tmp_path: Path,
) -> None:
    async def test(place: Place) -> None:
        async with running(place.service(console_url=CONSOLE)):
            for number, text in enumerate(HOSTILE):
                await place.publish(
                    hostile_incident(an_incident, a_candidate, an_evidence, text, number)
                )
            await place.chat.wait_for(lambda _m: len(place.chat.messages) >= len(HOSTILE), 20)
        assert list(place.chat.refusals) == []
        for message in place.chat.messages:
            key = message.idempotency_key
            assert key.isascii()
            assert key.isprintable()
            for text, marked_up in texts(message.payload):
                check_text(text, marked_up=marked_up)
            check_drawn(message.payload)

    in_place(tmp_path, test)


def check_text(text: str, *, marked_up: bool) -> None:
    # Of ours: the one link, and what breaks theirs.
    rest = ANCHOR.sub("", text)
    if marked_up:
        assert not re.search(r"[<>]", rest), rest
    for live in (
        r"@\w",
        r"<[!@#]",
        r"://",
        r"\]\(",
        r"\]\[",
        r"\]:",
        r"!\[",
        r"\bwww\.",
        r"mailto:",
    ):
        assert not re.search(live, rest, re.IGNORECASE), (live, rest)
    assert driving(rest.replace("\u200b", "")) == []


def check_drawn(payload: Any) -> None:
    out = io.StringIO()
    Terminal(file=out, force_terminal=True, width=80).print(render_terminal(payload))
    drawn = re.sub(r"\x1b\]8;[^;]*;[\x20-\x7e]*?\x1b\\", "", out.getvalue())
    assert driving(drawn) == []
