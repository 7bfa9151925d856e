"""Receivers that are down, slow, limited, broken, or close half-way: each fails for "10 minutes".

Time is pressed by 600 (see failing.py). Everything else is as it is: real sockets, a real broker.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from agents.redrive.selection import Selection
from agents.redrive.session import Order, Watching, redrive
from agents.settings import Settings
from agents.telemetry import Telemetry
from schemas.incident import Incident
from tests.agents.notifier.failing import PRESSED, UNANSWERED, check, faults, play
from tests.agents.notifier.place import TOPICS, Place, in_place, running

pytestmark = pytest.mark.integration

Build = Callable[..., Incident]


def test_receivers_that_fail_for_long_are_told_how_things_stand_once(tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        outcome = await play(place, PRESSED)
        check(outcome, PRESSED)
        # By 600 as well, this would be 50 min; each comes back with its next attempt.
        assert max(outcome.recovery_seconds.values()) < 5.0

    in_place(tmp_path, test)


def test_what_may_have_been_taken_is_counted_apart_from_what_was_not(
    an_incident: Build, tmp_path: Path
) -> None:
    async def test(place: Place) -> None:
        for name in ("closes-without-answer", "answers-500"):
            receiver = faults(PRESSED)[name]
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
        receiver = faults(PRESSED)["answers-500"]
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
