"""What was given up is tried again after `redrive`, and nobody hears anything twice."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agents.demo.receiver import ChatReceiver
from agents.redrive.judging import Judged
from agents.redrive.session import Order, Watching, redrive
from agents.settings import Settings
from schemas.incident import Incident
from tests.agents.notifier.place import PATIENCE, TOPICS, Place, in_place, running

pytestmark = pytest.mark.integration

Build = Callable[..., Incident]


async def redriven(place: Place) -> list[str]:
    told: list[Judged] = []
    await redrive(Settings(kafka=place.kafka), Order(), Watching(told=told.append))
    return [each.fate.value for each in told]


def test_a_chat_message_that_was_given_up_comes_after_redrive_and_only_where_it_was_missing(
    an_incident: Build, tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        async with ChatReceiver() as other:
            place.chat.fail_next(1, 410)
            service = place.service(webhook_urls={"other": other.url})
            async with running(service):
                await place.publish(an_incident(incident_id="i", revision=1))
                await place.records(TOPICS.dead_letter, 1)
                await other.wait_for(lambda _m: len(other.messages) >= 1, PATIENCE)
                assert await redriven(place) == ["send"]
                await place.chat.wait_for(lambda _m: len(place.chat.messages) >= 1, PATIENCE)
                await place.commits(2)
                await place.commits(2, "rootline-notify.other")
                assert await redriven(place) == ["already_sent"]
            assert [m.idempotency_key for m in place.chat.messages] == ["i:1"]
            assert [m.idempotency_key for m in other.messages] == ["i:1"]

    in_place(tmp_path, test)


def test_a_message_that_a_newer_revision_has_replaced_is_not_sent_again(
    an_incident: Build, tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        place.chat.fail_next(1, 410)
        first = an_incident(incident_id="i", revision=1)
        async with running(place.service()):
            await place.publish(first)
            await place.records(TOPICS.dead_letter, 1)
            await place.publish(replace(first, revision=2))
            await place.chat.wait_for(lambda _m: len(place.chat.messages) >= 1, PATIENCE)
            assert await redriven(place) == ["superseded"]
            await asyncio.wait_for(place.commits(2), PATIENCE)
        assert [m.idempotency_key for m in place.chat.messages] == ["i:2"]

    in_place(tmp_path, test)
