"""The chat receiver refuses what Slack would refuse, and fails when it is told to."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from agents.demo.receiver import ChatReceiver
from agents.demo.slack_rules import SlackRefusalError, check_message


def _section(text: str = "x", **changes: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}} | changes


def _header(text: str, kind: str = "plain_text") -> dict[str, Any]:
    return {"type": "header", "text": {"type": kind, "text": text}}


CONTEXT = {"type": "mrkdwn", "text": "x"}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        pytest.param([], "invalid_payload", id="a list"),
        pytest.param({}, "no_text", id="nothing"),
        pytest.param({"text": ""}, "no_text", id="empty text"),
        pytest.param({"text": 5}, "invalid_payload", id="a number"),
        pytest.param({"blocks": {}}, "no_text", id="no blocks"),
        pytest.param({"blocks": "x"}, "invalid_blocks", id="blocks of another type"),
        pytest.param({"blocks": [_section()] * 51}, "invalid_blocks", id="51 blocks"),
        pytest.param({"blocks": ["x"]}, "invalid_blocks", id="a block that is text"),
        pytest.param({"blocks": [{"type": "poem"}]}, "invalid_blocks", id="unknown block"),
        pytest.param({"blocks": [_header("x" * 151)]}, "invalid_blocks", id="header of 151"),
        pytest.param({"blocks": [_header("x", "mrkdwn")]}, "invalid_blocks", id="marked header"),
        pytest.param({"blocks": [_header("")]}, "invalid_blocks", id="empty header"),
        pytest.param({"blocks": [_section("x" * 3_001)]}, "invalid_blocks", id="section of 3001"),
        pytest.param({"blocks": [{"type": "section"}]}, "invalid_blocks", id="empty section"),
        pytest.param(
            {"blocks": [_section(fields=[CONTEXT] * 11)]}, "invalid_blocks", id="11 fields"
        ),
        pytest.param(
            {"blocks": [{"type": "context", "elements": [CONTEXT] * 11}]},
            "invalid_blocks",
            id="11 elements",
        ),
        pytest.param(
            {"blocks": [_section(block_id="a"), _section(block_id="a")]},
            "invalid_blocks",
            id="same id twice",
        ),
        pytest.param(
            {"blocks": [_section("x" * 3_000)] * 5}, "msg_blocks_too_long", id="too long together"
        ),
    ],
)
def test_what_slack_refuses_is_refused_with_its_word(payload: object, code: str) -> None:
    with pytest.raises(SlackRefusalError) as refused:
        check_message(payload)
    assert refused.value.code.value == code


@pytest.mark.parametrize(
    "payload",
    [
        {"text": "x"},
        {"blocks": [_section("x" * 3_000)]},
        {"blocks": [_header("x" * 150), {"type": "divider"}, _section(block_id="a")]},
        {"blocks": [_section()] * 50},
        {"blocks": [{"type": "context", "elements": [CONTEXT] * 10}]},
    ],
)
def test_what_slack_takes_is_taken(payload: dict[str, Any]) -> None:
    assert check_message(payload) is payload


def with_receiver(
    test: Callable[[ChatReceiver, aiohttp.ClientSession], Awaitable[None]], **options: Any
) -> None:
    async def run() -> None:
        async with ChatReceiver(**options) as chat, aiohttp.ClientSession() as session:
            await test(chat, session)

    asyncio.run(run())


def test_answers_are_those_of_an_incoming_webhook() -> None:
    async def test(chat: ChatReceiver, session: aiohttp.ClientSession) -> None:
        async with session.post(chat.url, json={"text": "hello"}) as answer:
            assert (answer.status, await answer.text()) == (200, "ok")
        async with session.post(chat.url, json={"blocks": [{"type": "poem"}]}) as answer:
            assert (answer.status, await answer.text()) == (400, "invalid_blocks")
        async with session.post(chat.url, data=b"{") as answer:
            assert (answer.status, await answer.text()) == (400, "invalid_payload")
        async with session.post(chat.url + "x", json={"text": "hello"}) as answer:
            assert answer.status == 404
        assert [message.headline for message in chat.messages] == ["hello"]

    with_receiver(test)


def test_it_fails_as_often_as_it_is_told() -> None:
    async def test(chat: ChatReceiver, session: aiohttp.ClientSession) -> None:
        chat.fail_next(2, 429, {"Retry-After": "7"})
        statuses = []
        for _ in range(3):
            async with session.post(chat.url, json={"text": "hello"}) as answer:
                statuses.append((answer.status, answer.headers.get("Retry-After")))
        assert statuses == [(429, "7"), (429, "7"), (200, None)]
        assert (len(chat.messages), chat.requests) == (1, 3)

    with_receiver(test)


def test_it_keeps_the_newest_messages_only() -> None:
    async def test(chat: ChatReceiver, session: aiohttp.ClientSession) -> None:
        for number in range(5):
            async with session.post(chat.url, json={"text": str(number)}):
                pass
        assert [message.headline for message in chat.messages] == ["3", "4"]

    with_receiver(test, max_messages=2)


def test_waiting_finds_what_is_there_and_what_comes() -> None:
    async def test(chat: ChatReceiver, session: aiohttp.ClientSession) -> None:
        waiting = asyncio.create_task(chat.wait_for(lambda m: m.headline == "later", 5))
        for text in ("now", "later"):
            async with session.post(chat.url, json={"text": text}):
                pass
        assert (await waiting).payload == {"text": "later"}
        assert (await chat.wait_for(lambda m: m.headline == "now", 5)).payload == {"text": "now"}

    with_receiver(test)


def test_waiting_in_vain_says_what_came_instead() -> None:
    async def test(chat: ChatReceiver, session: aiohttp.ClientSession) -> None:
        async with session.post(chat.url, json={"text": "something else"}):
            pass
        with pytest.raises(TimeoutError, match="1 came: \\['something else'\\]"):
            await chat.wait_for(lambda _message: False, 0.05)

    with_receiver(test)
