"""Tokens of OAUTHBEARER, from a real endpoint over real TLS, and from a file."""

import asyncio
import json
import logging
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.kafka_security import tokens as module
from agents.kafka_security.sasl import OauthConfig
from agents.kafka_security.tokens import TokenError, TokenSource
from tests.kafka_security.secured import Files
from tests.kafka_security.tokens import CLIENT_ID, CLIENT_SECRET, Signer, TokenServer


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def server(files: Files) -> Iterator[TokenServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files.broker)
    with TokenServer(Signer(), context) as running:
        yield running


def source(server: TokenServer, files: Files, **more: Any) -> TokenSource:
    given: dict[str, Any] = {
        "token_url": server.url("/token?key=canary-in-url"),
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "ca_file": files.ca,
    }
    return TokenSource(OauthConfig(**given | more))


def refusal(source: TokenSource) -> str:
    with pytest.raises(TokenError) as caught:
        asyncio.run(source.token())
    sentence = str(caught.value)
    for secret in (CLIENT_SECRET, "canary-in-url", "Basic ", "s3cret"):
        assert secret not in sentence
    return sentence


def test_a_token_is_asked_for_with_the_client_credentials_grant_and_kept(server, files):
    asked = source(server, files, scope="kafka read", audience="kafka")

    async def scene() -> None:
        first = await asked.token()
        assert first.count(".") == 2
        # Many connections at once, and later ones, share it.
        again = await asyncio.gather(*(asked.token() for _ in range(20)))
        assert set(again) == {first}

    asyncio.run(scene())
    ((authorization, form),) = server.asked
    assert authorization.startswith("Basic ")
    assert form == "grant_type=client_credentials&scope=kafka+read&audience=kafka"
    assert "Token(expires_at" in repr(asked)
    assert "eyJ" not in repr(asked)


def test_a_token_is_renewed_before_it_expires(server, files):
    # At four fifths of its life: a token of 1.5 s is renewed after 1.2 s.
    server.seconds = 1.5
    asked = source(server, files, refresh_seconds=60.0)

    async def scene() -> None:
        begin = time.monotonic()
        seen = []
        while time.monotonic() - begin < 3.2:
            seen.append((await asked.token(), time.time()))
            await asyncio.sleep(0.05)
        assert 3 <= len({text for text, _ in seen}) <= 4

    asyncio.run(scene())
    assert 3 <= len(server.asked) <= 4


def test_a_token_that_a_broker_refuses_is_replaced_but_not_at_every_connection(server, files):
    asked = source(server, files)

    async def scene() -> None:
        first = await asked.token()
        for _ in range(50):
            asked.refused()
            assert await asked.token() == first
        asked._rests_until = 0.0
        asked.refused()
        await asked.token()

    asyncio.run(scene())
    assert len(server.asked) == 2


def test_an_endpoint_that_fails_for_a_moment_is_asked_again_within_bounds(server, files):
    answers = iter([(503, {}, b"busy"), (500, {}, b"{}")])
    good = server.give

    def moody() -> tuple[int, dict[str, str], bytes]:
        for answer in answers:
            return answer
        server.answer = None
        return good(*server.asked.pop())

    server.answer = moody
    assert asyncio.run(source(server, files).token())
    assert len(server.asked) == 3
    server.answer = lambda: (503, {}, b"")
    failing = source(server, files, attempts=2)
    assert "HTTP 503" in refusal(failing)
    assert len(server.asked) == 5
    # Clients that reconnect at once do not reach the endpoint.
    for _ in range(20):
        assert "HTTP 503" in refusal(failing)
    assert len(server.asked) == 5


def test_a_good_token_outlives_a_failing_endpoint(server, files, caplog):
    server.seconds = 2.0
    asked = source(server, files, attempts=1)

    async def scene() -> None:
        first = await asked.token()
        server.answer = lambda: (503, {}, b"")
        asked._renew_at = asked._rests_until = 0.0
        assert await asked.token() == first
        await asyncio.sleep(max(0.0, asked._over_at - time.time()))
        with pytest.raises(TokenError, match="HTTP 503"):
            await asked.token()

    with caplog.at_level(logging.WARNING, "kafka"):
        asyncio.run(scene())
    assert caplog.records[0].message == "no new token for Kafka"
    assert caplog.records[0].old_one_still_good is True


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {}, b'{"error":"invalid_client"}'), ["HTTP 401, invalid_client", "client_secret"]),
        ((400, {}, b'{"error":"s3cret+with/odd=signs is wrong"}'), ["HTTP 400", "scope"]),
        ((403, {}, b"<html>s3cret</html>"), ["HTTP 403"]),
        ((302, {"Location": "https://elsewhere.example.com/"}, b""), ["redirects", "token_url"]),
        ((200, {}, b"not json"), ["without a usable access_token"]),
        ((200, {}, b'{"access_token":"two words"}'), ["without a usable access_token"]),
        ((200, {}, b'{"access_token":"a\\u0001auth=x"}'), ["without a usable access_token"]),
        ((200, {}, b'{"access_token":"x","token_type":"mac"}'), ["no bearer token"]),
        ((200, {}, b"x" * 300_000), ["more than"]),
    ],
    ids=["401", "echo", "html", "redirect", "text", "spaces", "control", "mac", "flood"],
)
def test_each_bad_answer_is_one_sentence_and_not_asked_again(server, files, answer, said):
    server.answer = lambda: answer
    sentence = refusal(source(server, files))
    for part in said:
        assert part in sentence
    assert len(server.asked) == 1


def test_a_wrong_secret_is_said_without_showing_what_the_endpoint_echoes(server, files):
    sentence = refusal(source(server, files, client_secret="canary-wrong-secret"))
    assert "invalid_client" in sentence
    assert "canary" not in sentence


def test_the_endpoint_has_to_show_a_certificate_of_whom_we_trust(server, files):
    sentence = refusal(source(server, files, ca_file=files.other_ca))
    assert "certificate of the token endpoint" in sentence
    assert "kafka.oauth.ca_file" in sentence
    other_host = server.url("/token", host="localhost")
    assert "certificate" in refusal(source(server, files, token_url=other_host))
    assert server.asked == []


def test_an_endpoint_that_is_slow_or_away_is_a_sentence(server, files):
    release = threading.Event()

    def slow() -> tuple[int, dict[str, str], bytes]:
        release.wait(10)
        return 200, {}, b"{}"

    async def scene() -> None:
        server.answer = slow
        with pytest.raises(TokenError, match="has not answered within 200 ms"):
            await source(server, files, timeout_ms=200, attempts=2).token()
        release.set()
        # The connections that were given up close in their own time.
        await asyncio.sleep(0.3)

    asyncio.run(scene())
    away = "https://127.0.0.1:1/token"
    assert "cannot be reached" in refusal(source(server, files, token_url=away, attempts=1))


def test_a_life_that_the_answer_does_not_name_is_read_from_the_token(server, files):
    token = Signer().token(seconds=100)
    body = json.dumps({"access_token": token}).encode()
    server.answer = lambda: (200, {}, body)
    asked = source(server, files)
    assert asyncio.run(asked.token()) == token
    assert asked._token is not None
    assert asked._token.expires_at == pytest.approx(time.time() + 100, abs=2)


def test_a_source_serves_one_event_loop_after_another(server, files):
    asked = source(server, files)

    async def several() -> set[str]:
        return set(await asyncio.gather(*(asked.token() for _ in range(5))))

    assert asyncio.run(several()) == asyncio.run(several())


def test_a_token_file_is_read_anew_for_each_connection(tmp_path):
    path = tmp_path / "token"
    asked = TokenSource(OauthConfig(token_file=path))
    assert "cannot be read" in refusal(asked)
    for seconds in (100, 200):
        token = Signer().token(seconds)
        path.write_text(token + "\n")
        assert asyncio.run(asked.token()) == token
    path.write_text(Signer().token(-50))
    assert "expired 50 s ago" in refusal(asked) or "expired 51 s ago" in refusal(asked)
    path.write_text("two words")
    assert "holds no token" in refusal(asked)


def test_extensions_are_handed_over(tmp_path):
    config = OauthConfig(token_file=Path("t"), extensions=("logicalCluster=lkc-1", "a=b=c"))
    assert TokenSource(config).extensions() == {"logicalCluster": "lkc-1", "a": "b=c"}
    assert module.token_source(config) is module.token_source(config)
