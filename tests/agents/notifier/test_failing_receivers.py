"""Receivers that are down, slow, limited, broken, or close half-way: each fails for "10 minutes".

Time is compressed by 600: the longest pause between attempts is 50 ms where it is 30 s by default,
so that 1 s of failing stands for 10 min. Everything else is as it is: real sockets, a real broker.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from agents.notifier.config import NotifierConfig
from agents.notifier.notified import decode_sent
from agents.notifier.policy import decide
from agents.notifier.sent import Sent
from agents.redrive.selection import Selection
from agents.redrive.session import Order, Watching, redrive
from agents.settings import Settings
from agents.telemetry import Telemetry
from schemas.incident import Incident, IncidentCandidate, IncidentStatus
from tests.agents.notifier.faulty_receiver import OK, FaultyReceiver, dawdles, resets, says
from tests.agents.notifier.place import QUICK, TOPICS, Place, in_place, running

pytestmark = pytest.mark.integration

Build = Callable[..., Incident]
FAILING_SECONDS = 1.0
STREAM = 12  # incidents
FAULTS = {
    "answers-429": (says(b"HTTP/1.1 429 No\r\nRetry-After: 0.05\r\nContent-Length: 0\r\n\r\n"), 1),
    "answers-500": (says(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), 1),
    "is-slow": (dawdles, 1),
    "closes-before-reading": (says(b""), 0),
    "closes-without-answer": (says(b""), 1),
    "resets": (resets, 1),
    "closes-within-the-head": (says(OK[:12]), 1),
    "closes-within-an-error": (says(b"HTTP/1.1 503 No\r\nContent-Length: 99\r\n\r\nno"), 1),
    "speaks-no-http": (says(b"220 mail.example ESMTP\r\n"), 1),
}
UNANSWERED = {
    "is-slow",
    "closes-without-answer",
    "resets",
    "closes-within-the-head",
    "speaks-no-http",
}


def history(an_incident: Build, cart: IncidentCandidate) -> list[Incident]:
    """Revisions of several incidents, interleaved: opened, changed, some of them resolved."""
    opened = [an_incident(incident_id=f"i{number}", revision=1) for number in range(STREAM)]
    changed = [replace(item, revision=2, candidates=(cart,)) for item in opened[::2]]
    resolved = [
        replace(
            item,
            revision=3,
            status=IncidentStatus.RESOLVED,
            resolved_at="2026-11-11T12:24:09.120Z",
        )
        for item in opened[::3]
    ]
    return [*opened, *changed, *resolved]


def newest(revisions: list[Incident]) -> dict[str, Incident]:
    return {incident.incident_id: incident for incident in revisions}


async def last_told(place: Place, receiver: str, number: int) -> dict[str, Sent]:
    """Return what the log says a receiver was told last, once it holds so many records."""
    rows = [
        decode_sent(record.value) for record in await place.records("rootline.notified", number)
    ]
    told: dict[str, Sent] = {}
    for row in rows:
        if row is not None and row.receiver == receiver:
            assert row.revision > told.get(row.incident_id, replace(row, revision=0)).revision
            told[row.incident_id] = row
    return told


def owed(told: dict[str, Sent], revisions: list[Incident]) -> list[str]:
    """Return the incidents about which policy would still tell something."""
    now_ms = time.time_ns() // 1_000_000
    config = NotifierConfig(**QUICK)
    return [
        name
        for name, incident in newest(revisions).items()
        if decide(told.get(name), incident, now_ms, config).occasion is not None
    ]


def test_receivers_that_fail_for_long_are_told_how_things_stand_once(
    an_incident: Build, a_candidate: Callable[..., IncidentCandidate], tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        faulty = {
            name: FaultyReceiver(fault, reads=bool(reads))
            for name, (fault, reads) in FAULTS.items()
        }
        faulty["is-down"] = FaultyReceiver(None)
        async with AsyncExitStack() as stack:
            for receiver in faulty.values():
                await receiver.start()
                stack.push_async_callback(receiver.stop)
            await faulty["is-down"].stop()
            urls = {name: receiver.url for name, receiver in faulty.items()}
            service = place.service(webhook_urls=urls, request_timeout_ms=300)
            revisions = history(an_incident, a_candidate("cart", 0.9))
            async with running(service):
                began = time.monotonic()
                await place.publish(*revisions[:STREAM])
                # The one that works is told all while the others fail.
                await place.chat.wait_for(lambda _m: len(place.chat.messages) >= STREAM, 20)
                await place.publish(*revisions[STREAM:])
                for name, receiver in faulty.items():
                    if name != "is-down":
                        await receiver.until(lambda receiver=receiver: receiver.requests >= 3)
                await asyncio.sleep(max(0.0, FAILING_SECONDS - (time.monotonic() - began)))
                assert all(receiver.taken == [] for receiver in faulty.values())
                for receiver in faulty.values():
                    receiver.fault = None
                await faulty["is-down"].start()
                await place.commits(len(revisions))
                for name in faulty:
                    await place.commits(len(revisions), f"rootline-notify.{name}")
        told = sum(len(receiver.taken) for receiver in faulty.values())
        told += len(place.chat.messages)
        for name, receiver in faulty.items():
            check_receiver(name, receiver)
            log = await last_told(place, name, told)
            assert owed(log, revisions) == [], name
            # What the receiver took last of each incident is what the log says.
            last = dict(key.split(":") for key in receiver.taken)
            assert last == {row.incident_id: str(row.revision) for row in log.values()}, name
        assert owed(await last_told(place, "chat", told), revisions) == []

    in_place(tmp_path, test)


def check_receiver(name: str, receiver: FaultyReceiver) -> None:
    # No revision is taken twice, and no receiver that honours the key shows one twice.
    assert len(set(receiver.taken)) == len(receiver.taken), name
    assert len(set(receiver.shown)) == len(receiver.shown), name
    # The newest state of an incident counts: the oldest waiting gave way to the newer.
    revisions: dict[str, int] = {}
    for key in receiver.taken:
        incident, _, revision = key.partition(":")
        assert int(revision) > revisions.get(incident, 0), name
        revisions[incident] = int(revision)
    # Copies of one revision differ in nothing.
    assert all(len(bodies) == 1 for bodies in receiver.bodies.values()), name
    if name not in {"closes-before-reading", "is-down"}:
        assert max(receiver.seen.values()) > 1, f"{name}: the fault has not been there"


def test_what_may_have_been_taken_is_counted_apart_from_what_was_not(
    an_incident: Build, tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        for name in ("closes-without-answer", "answers-500"):
            receiver = FaultyReceiver(FAULTS[name][0])
            await receiver.start()
            place.telemetry = Telemetry()
            urls = {name: receiver.url}
            async with running(place.service(webhook_urls=urls, webhook_url="")):
                await place.publish(an_incident(incident_id=name, revision=1))
                await receiver.until(lambda receiver=receiver: receiver.requests >= 2)
                receiver.fault = None
                await receiver.until(lambda receiver=receiver: bool(receiver.taken))
            await receiver.stop()
            unanswered = place.telemetry.registry.get_sample_value(
                "rootline_notifications_retried_total", {"reason": "unanswered"}
            )
            assert bool(unanswered) is (name in UNANSWERED)

    in_place(tmp_path, test)


def test_what_nobody_took_in_time_is_a_dead_letter_with_its_reason_and_can_be_sent_again(
    an_incident: Build, tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        receiver = FaultyReceiver(FAULTS["answers-500"][0])
        await receiver.start()
        first, other = an_incident(incident_id="first"), an_incident(incident_id="other")
        config = {"webhook_urls": {"ops": receiver.url}, "retry_deadline_ms": 300}
        async with running(place.service(**config)):
            await place.publish(first, other)
            letters = await place.records(TOPICS.dead_letter, 2)
            await place.commits(2, "rootline-notify.ops")
            assert [letter.key for letter in letters] == [b"first", b"other"]
            headers = {name: value.decode() for name, value in letters[0].headers}
            assert headers["rootline.error.kind"] == "expired"
            assert headers["rootline.error.stage"] == "notify"
            reason = headers["rootline.error.reason"]
            assert "chat receiver ops (127.0.0.1) did not take the message after" in reason
            assert "HTTP status 500; retry_deadline_ms passed" in reason
            assert "a-secret-of-this-webhook" not in str(letters)
            receiver.fault = None
            await send_again(place)
            await receiver.until(lambda: len(receiver.taken) >= 2)
            await place.commits(4)
        # It was told at last; the receiver that had taken both is told nothing again.
        assert receiver.taken == ["first:3", "other:3"]
        assert [m.idempotency_key for m in place.chat.messages] == ["first:3", "other:3"]
        await receiver.stop()

    in_place(tmp_path, test)


async def send_again(place: Place) -> None:
    settings = Settings(kafka=place.kafka)
    await redrive(settings, Order(selection=Selection(stages=("notify",))), Watching(told=print))
