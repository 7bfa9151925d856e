"""The notifier against the embedded broker and a receiver on a real socket."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from agents.broker.config import BrokerConfig
from agents.broker.server import EmbeddedBroker
from agents.demo.receiver import ChatReceiver
from agents.notifier.sent import Occasion
from schemas.incident import Incident, IncidentCandidate, IncidentStatus
from tests.agents.notifier.place import PATIENCE, TOPICS, Place, in_place, running

pytestmark = pytest.mark.integration

Build = Callable[..., Incident]
OPENED = "🔴 mysql-primary: connection pool exhausted, 86 %"
CHANGED = "🔴 cart is the likely root cause, 90 %"
ENDED = "✅ Resolved after 23 min 4 s"
RESOLVED_AT = "2026-11-11T12:24:09.120Z"


def _resolved(incident: Incident, revision: int) -> Incident:
    return replace(
        incident, revision=revision, status=IncidentStatus.RESOLVED, resolved_at=RESOLVED_AT
    )


def test_an_incident_is_told_when_it_opens_changes_its_top_and_resolves(
    an_incident: Build, a_candidate: Callable[..., IncidentCandidate], tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        async with running(place.service()):
            first = an_incident(revision=1)
            cart = an_incident(revision=3, candidates=(a_candidate("cart", 0.9),))
            await place.publish(first)
            await place.sees(OPENED)
            await place.publish(replace(first, revision=2))
            await place.publish(cart)
            await place.sees(OPENED, CHANGED)
            await place.publish(_resolved(first, 4), _resolved(first, 5))
            await place.sees(OPENED, CHANGED, ENDED)
            # The revision that says the same again is read a moment later.
            await place.commits(5)
        told = await place.told(3)
        assert [(row.revision, row.occasion, row.top) for row in told[:2]] == [
            (1, Occasion.OPENED, "mysql-primary"),
            (3, Occasion.TOP_CHANGED, "cart"),
        ]
        assert told[2].occasion is Occasion.RESOLVED
        assert place.chat.messages[0].idempotency_key == f"{first.incident_id}:1"

    in_place(tmp_path, test)


def test_a_restart_sends_nothing_twice(an_incident: Build, tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        first, other = an_incident(revision=1), an_incident(incident_id="other", revision=1)
        async with running(place.service()):
            await place.publish(first)
            await place.sees(OPENED)
        # The group's offsets are lost, so every record is read again; the log still knows.
        forgetful = place.service(group="another-group")
        async with running(forgetful):
            await place.publish(other)
            await place.sees(OPENED, OPENED)
        async with running(place.service()):
            await place.publish(_resolved(first, 2))
            await place.sees(OPENED, OPENED, ENDED)
        keys = [message.idempotency_key for message in place.chat.messages]
        assert keys == [f"{first.incident_id}:1", "other:1", f"{first.incident_id}:2"]

    in_place(tmp_path, test)


def test_after_an_outage_of_the_receiver_one_message_tells_how_things_stand(
    an_incident: Build, a_candidate: Callable[..., IncidentCandidate], tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        await place.chat.stop()
        async with running(place.service()):
            first = an_incident(revision=1)
            await place.publish(first, an_incident(incident_id="brief", revision=1))
            await place.publish(
                an_incident(revision=2, candidates=(a_candidate("cart", 0.9),)),
                _resolved(an_incident(incident_id="brief"), 2),
                an_incident(incident_id="last", revision=1),
            )
            # Three revisions still wait, the first of them at offset 2.
            while await place.committed() != 2:
                await asyncio.sleep(0.02)
            await place.chat.start()
            # Opened once, as it is by now; what came and went meanwhile is not told.
            await place.sees(CHANGED, OPENED)
        assert place.chat.messages[0].idempotency_key == f"{first.incident_id}:2"
        assert await place.committed() == 5

    in_place(tmp_path, test)


def test_what_was_not_told_before_a_stop_is_told_after_the_start(
    an_incident: Build, tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        place.chat.fail_next(1, 429, {"Retry-After": "60"})
        async with running(place.service()):
            await place.publish(an_incident(revision=1))
            await place.chat.wait_for_requests(1, PATIENCE)
        async with running(place.service()):
            await place.sees(OPENED)

    in_place(tmp_path, test)


def test_a_receiver_that_is_away_stops_the_reading_and_not_the_worker(
    an_incident: Build, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(place: Place) -> None:
        service = place.service(max_pending_incidents=2)
        await place.chat.stop()
        async with running(service):
            names = [f"incident-{number}" for number in range(6)]
            for name in names:
                await place.publish(an_incident(incident_id=name, revision=1))
            while "reading pauses" not in caplog.text:
                await asyncio.sleep(0.02)
            (status,) = service.statuses()
            assert status.alive
            await place.chat.start()
            await place.sees(*[OPENED] * 6)
        assert [m.idempotency_key for m in place.chat.messages] == [f"{name}:1" for name in names]
        assert await place.committed() == 6

    in_place(tmp_path, test)


def test_a_slow_receiver_holds_up_no_other(an_incident: Build, tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        async with ChatReceiver() as slow:
            slow.fail_next(1_000, 429, {"Retry-After": "60"})
            async with running(place.service(webhook_urls={"slow": slow.url})):
                await place.publish(an_incident(revision=1))
                await place.sees(OPENED)
                await place.publish(_resolved(an_incident(), 2))
                await place.sees(OPENED, ENDED)
                await slow.wait_for_requests(1, PATIENCE)
            assert list(slow.messages) == []
        assert await place.committed("rootline-notify") == 2
        assert await place.committed("rootline-notify.slow") < 2

    in_place(tmp_path, test)


def test_what_is_no_incident_goes_to_the_dead_letters_and_the_rest_is_told(
    an_incident: Build, tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        wrong = [b"{", b'{"incident_id":"x"}', orjson.dumps(an_incident(schema_version="9.0"))]
        async with running(place.service()):
            await place.publish(*wrong, an_incident(revision=1))
            await place.sees(OPENED)
        letters = await place.records(TOPICS.dead_letter, 3)
        assert [letter.value for letter in letters] == wrong
        headers = [dict(letter.headers) for letter in letters]
        assert [found["rootline.error.kind"] for found in headers] == [b"undecodable"] * 3
        assert headers[2]["rootline.error.offset"] == b"2"
        assert b"schema_version '9.0', expected 1.x" in headers[2]["rootline.error.reason"]

    in_place(tmp_path, test)


def test_a_message_that_is_refused_goes_to_the_dead_letters_and_the_next_one_out(
    an_incident: Build, tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        place.chat.fail_next(1, 410)
        async with running(place.service()):
            first = an_incident(incident_id="first", revision=1)
            await place.publish(first)
            await place.publish(an_incident(incident_id="second", revision=1))
            await place.sees(OPENED)
        (letter,) = await place.records(TOPICS.dead_letter, 1)
        assert (letter.key, letter.value) == (b"first", orjson.dumps(first))
        reason = dict(letter.headers)["rootline.error.reason"].decode()
        assert "HTTP status 410" in reason
        assert place.chat.url not in reason
        assert place.chat.messages[0].idempotency_key == "second:1"

    in_place(tmp_path, test)


def test_a_change_that_comes_too_soon_is_told_after_the_interval(
    an_incident: Build, a_candidate: Callable[..., IncidentCandidate], tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        async with running(place.service(top_changed_interval_ms=800)):
            await place.publish(an_incident(revision=1))
            await place.sees(OPENED)
            await place.publish(an_incident(revision=2, candidates=(a_candidate("cart", 0.9),)))
            await place.sees(OPENED, CHANGED)
        first, second = place.chat.messages
        assert second.at_ms - first.at_ms >= 700

    in_place(tmp_path, test)


def test_two_notifiers_share_the_work_and_a_hand_over_sends_nothing_twice(
    an_incident: Build, tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        incidents = [an_incident(incident_id=f"i{number}", revision=1) for number in range(30)]
        async with running(place.service()):
            await place.publish(*incidents[:10])
            await place.chat.wait_for(lambda _m: len(place.chat.messages) >= 5, PATIENCE)
            async with running(place.service()):
                await place.publish(*incidents[10:20])
                await place.chat.wait_for(lambda _m: len(place.chat.messages) >= 15, PATIENCE)
            await place.publish(*incidents[20:])
            await place.chat.wait_for(lambda _m: len(place.chat.messages) >= 30, PATIENCE)
        keys = [message.idempotency_key for message in place.chat.messages]
        assert sorted(keys) == sorted(f"i{number}:1" for number in range(30))

    in_place(tmp_path, test, partitions=4)


def test_a_notifier_that_got_no_partition_is_ready_all_the_same(tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        services = [place.service() for _ in range(3)]
        async with AsyncExitStack() as stack:
            for service in services:
                await stack.enter_async_context(running(service))
            async with asyncio.timeout(PATIENCE):
                while not all(s.ready for service in services for s in service.statuses()):
                    await asyncio.sleep(0.05)

    in_place(tmp_path, test, partitions=2)


def test_when_kafka_comes_back_the_notifier_goes_on_where_it_was(
    an_incident: Build, tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        async with running(place.service()):
            await place.publish(an_incident(incident_id="before", revision=1))
            await place.sees(OPENED)
            await place.broker.stop()
            port = int(place.kafka.bootstrap.rpartition(":")[2])
            place.broker = EmbeddedBroker(
                BrokerConfig(port=port, data_dir=tmp_path / "broker", default_partitions=1)
            )
            await place.broker.start()
            await place.publish(an_incident(incident_id="after", revision=1))
            await place.sees(OPENED, OPENED)
        keys = [message.idempotency_key for message in place.chat.messages]
        assert keys == ["before:1", "after:1"]

    in_place(tmp_path, test)


def test_without_a_webhook_it_does_nothing_and_commits_nothing(
    an_incident: Build, tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        async with running(place.service(webhook_url="")):
            await place.publish(an_incident(revision=1))
        assert await place.committed() == 0
        assert place.chat.requests == 0

    in_place(tmp_path, test)
