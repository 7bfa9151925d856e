"""Delivery over real sockets to the chat receiver, which fails as it is told."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeVar

import orjson
import pytest

from agents.demo.receiver import ChatReceiver
from agents.notifier.config import NotifierConfig, Receiver
from agents.notifier.retry import Cause
from agents.notifier.webhook import Delivery, Letter, Outcome, Webhook

T = TypeVar("T")
QUICK: dict[str, Any] = {
    "retry_base_ms": 20,
    "retry_cap_ms": 40,
    "request_timeout_ms": 2_000,
    "retry_deadline_ms": 5_000,
}


def _letter(text: str = "hello", **changes: Any) -> Letter[str]:
    fields: dict[str, Any] = {
        "body": orjson.dumps({"text": text}),
        "plainer": b"",
        "idempotency_key": "6f1c:3",
        "about": text,
    }
    return Letter(**(fields | changes))


class Sender:
    """A webhook on a receiver, with what it confirmed and counted."""

    def __init__(self, url: str, **config: Any) -> None:
        self.confirmed: list[str] = []
        self.retried: list[Cause] = []
        self.stop = asyncio.Event()
        self.webhook = Webhook(
            Receiver(name="chat", url=url),
            NotifierConfig(**(QUICK | config)),
            random.Random(1),
            self.retried.append,
        )

    async def _confirm(self, letter: Letter[str]) -> None:
        self.confirmed.append(letter.about)

    async def send(
        self, compose: Callable[[], Letter[str] | None] | Letter[str] | None = None
    ) -> Delivery[str]:
        letter = compose if isinstance(compose, Letter) else _letter()
        ask = compose if callable(compose) else lambda: letter
        return await self.webhook.deliver(ask, self._confirm, self.stop)


def with_receiver(test: Callable[[ChatReceiver, Sender], Awaitable[T]], **config: Any) -> T:
    async def run() -> T:
        async with ChatReceiver() as chat:
            sender = Sender(chat.url, **config)
            try:
                return await test(chat, sender)
            finally:
                await sender.webhook.close()

    return asyncio.run(run())


def test_a_message_that_is_taken_is_confirmed_once_and_carries_its_identity() -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> None:
        delivery = await sender.send()
        assert (delivery.outcome, delivery.attempts) == (Outcome.DELIVERED, 1)
        assert sender.confirmed == ["hello"]
        assert [message.idempotency_key for message in chat.messages] == ["6f1c:3"]
        assert chat.messages[0].payload == {"text": "hello"}

    with_receiver(test)


def test_errors_of_the_server_are_retried_until_it_answers() -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> None:
        chat.fail_next(1, 500)
        chat.fail_next(1, 503)
        delivery = await sender.send()
        assert (delivery.outcome, delivery.attempts) == (Outcome.DELIVERED, 3)
        assert sender.retried == [Cause.SERVER_ERROR, Cause.SERVER_ERROR]
        assert len(chat.messages) == 1

    with_receiver(test)


def test_retry_after_in_seconds_is_waited_for() -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> None:
        chat.fail_next(1, 429, {"Retry-After": "1"})
        began = time.monotonic()
        delivery = await sender.send()
        assert delivery.outcome is Outcome.DELIVERED
        assert 1.0 <= time.monotonic() - began < 3.0
        assert sender.retried == [Cause.RATE_LIMITED]

    with_receiver(test)


def test_retry_after_as_a_date_is_waited_for() -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> None:
        due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
        chat.fail_next(1, 503, {"Retry-After": format_datetime(due, usegmt=True)})
        delivery = await sender.send()
        assert delivery.outcome is Outcome.DELIVERED
        assert chat.messages[0].at_ms >= due.timestamp() * 1_000

    with_receiver(test)


def test_a_receiver_that_is_down_gets_the_message_when_it_is_up() -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> None:
        await chat.stop()
        sending = asyncio.create_task(sender.send())
        while not sender.retried:
            await asyncio.sleep(0.01)
        await chat.start()
        delivery = await sending
        assert delivery.outcome is Outcome.DELIVERED
        assert set(sender.retried) == {Cause.CONNECTION}

    with_receiver(test)


def test_a_receiver_that_dawdles_is_tried_again() -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> None:
        chat.delay_next(1, 0.5)
        delivery = await sender.send()
        assert (delivery.outcome, delivery.attempts) == (Outcome.DELIVERED, 2)
        assert sender.retried == [Cause.UNANSWERED]

    with_receiver(test, request_timeout_ms=200)


def test_after_the_deadline_the_message_is_given_up() -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> None:
        chat.fail_next(100, 500)
        delivery = await sender.send()
        assert delivery.outcome is Outcome.EXPIRED
        assert delivery.attempts > 1
        assert delivery.letter is not None
        assert "HTTP status 500" in delivery.reason
        assert sender.confirmed == []

    with_receiver(test, retry_deadline_ms=1_000)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_final(status: int) -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> None:
        chat.fail_next(1, status)
        delivery = await sender.send()
        assert (delivery.outcome, delivery.attempts) == (Outcome.REFUSED, 1)
        assert delivery.reason == f"HTTP status {status} (told_to_fail)"
        assert (chat.requests, sender.confirmed) == (1, [])

    with_receiver(test)


def test_a_redirect_is_not_followed() -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> None:
        async with ChatReceiver() as elsewhere:
            chat.fail_next(1, 307, {"Location": elsewhere.url})
            delivery = await sender.send()
            assert delivery.outcome is Outcome.REFUSED
            assert "redirects are not followed" in delivery.reason
            assert elsewhere.requests == 0

    with_receiver(test)


def test_a_message_whose_blocks_are_refused_goes_out_as_text() -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> None:
        body = orjson.dumps({"text": "rich", "blocks": [{"type": "unheard of"}]})
        letter = _letter(body=body, plainer=orjson.dumps({"text": "plain"}))
        delivery = await sender.send(letter)
        assert delivery.outcome is Outcome.DELIVERED
        assert [message.payload["text"] for message in chat.messages] == ["plain"]
        assert "unheard of" in chat.refusals[0]

    with_receiver(test)


def test_before_each_attempt_the_newest_message_is_asked_for() -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> None:
        chat.fail_next(2, 500)
        letters = iter([_letter("old"), _letter("newer"), _letter("newest")])
        await sender.send(lambda: next(letters))
        assert [message.payload["text"] for message in chat.messages] == ["newest"]
        assert sender.confirmed == ["newest"]

    with_receiver(test)


def test_a_message_that_nobody_wants_any_more_is_not_tried_again() -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> None:
        chat.fail_next(1, 500)
        letters = iter([_letter("old"), None])
        delivery = await sender.send(lambda: next(letters))
        assert (delivery.outcome, delivery.attempts) == (Outcome.UNWANTED, 1)
        assert chat.requests == 1

    with_receiver(test)


def test_a_stop_ends_the_waiting_at_once() -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> None:
        chat.fail_next(1, 429, {"Retry-After": "60"})
        sending = asyncio.create_task(sender.send())
        await chat.wait_for_requests(1, 5)
        sender.stop.set()
        async with asyncio.timeout(2):
            assert (await sending).outcome is Outcome.STOPPED

    with_receiver(test, retry_deadline_ms=600_000)


def test_an_answer_without_end_costs_nothing() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(flood, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            sender = Sender(f"http://127.0.0.1:{port}/secret-path")
            async with asyncio.timeout(5):
                delivery = await sender.send()
            assert (delivery.outcome, delivery.reason) == (Outcome.REFUSED, "HTTP status 403")
            await sender.webhook.close()

    asyncio.run(run())


def test_the_url_is_in_no_log_and_no_reason(caplog: pytest.LogCaptureFixture) -> None:
    async def test(chat: ChatReceiver, sender: Sender) -> list[str]:
        reasons = []
        for status in (500, 404, 307):
            chat.fail_next(1, status, {"Location": chat.url})
            reasons.append((await sender.send()).reason)
        await chat.stop()
        reasons.append((await sender.send()).reason)
        secret = chat.url.rsplit("/", 1)[1]
        said = [*reasons, *(repr(vars(record)) for record in caplog.records)]
        assert caplog.records
        assert not any(secret in text for text in said)
        return reasons

    with caplog.at_level(logging.DEBUG, "agents.notifier"):
        with_receiver(test, retry_deadline_ms=200)
