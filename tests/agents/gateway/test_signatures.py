"""Signed requests: made by the holder of a key, for this request, now, and once."""

import asyncio
import gzip
import json
import time
from dataclasses import replace

import pytest

from agents.gateway.config import SigningConfig
from agents.gateway.refusal import Reason, Refusal
from agents.gateway.replays import Replays
from agents.gateway.signature import Signed, read_claim, sign
from agents.gateway.source import SourceConfig

OLD, NEW = "old-key-of-the-deploys", "new-key-of-the-deploys"
DEPLOYS = SourceConfig(name="deploys", signing_keys=(OLD, NEW))
BEARER = SourceConfig(name="bearer", tokens=("a-token-that-signs-nothing",))
CHANGE = json.dumps(
    {"id": "deploy-7", "kind": "deploy", "at": "2026-09-01T10:00:00Z", "service": "cart"}
).encode()
PATH = "/api/v1/changes"


def signed(
    body: bytes = CHANGE, *, key: str = OLD, nonce: str = "nonce-0001", target: str = PATH, **more
) -> dict[str, str]:
    """The headers of a signed request; `more` replaces some of them after signing."""
    timestamp = int(more.pop("timestamp", time.time()))
    headers = {"content-type": "application/json"} | more.pop("signed_headers", {})
    request = Signed(method="POST", target=target, headers=headers, body=body)
    return headers | {
        "rootline-source": "deploys",
        "rootline-timestamp": str(timestamp),
        "rootline-nonce": nonce,
        "rootline-signature": sign(key, request, timestamp, nonce),
        **more,
    }


async def post(bench, headers: dict[str, str], body: bytes = CHANGE, path: str = PATH):
    async with bench.client.post(path, data=body, headers=headers) as answer:
        return answer.status, (await answer.read()).decode()


def test_a_signed_request_is_taken_once(start_bench):
    async def scene():
        async with start_bench(sources=(DEPLOYS,)) as bench:
            headers = signed()
            status, text = await post(bench, headers)
            assert status == 200, text
            status, text = await post(bench, headers)
            assert status == 409
            assert "taken before" in text
            # The same nonce, signed anew at another time, is the same request again.
            status, text = await post(bench, signed(timestamp=time.time() - 20))
            assert status == 409
            status, text = await post(bench, signed(key=NEW, nonce="nonce-0002"))
            assert status == 200, text
            records = await bench.records("changes", 2)
            assert [dict(r.headers)["rootline-source"] for r in records] == [b"deploys"] * 2

    asyncio.run(scene())


def forgeries() -> dict[str, dict[str, str]]:
    stranger = Signed(method="POST", target="/x", headers={}, body=b"")
    return {
        "another body": signed(b"another body"),
        "another key": signed(key="a-key-that-was-guessed"),
        "another path": signed(target="/v1/alerts"),
        "another query": signed(target=f"{PATH}?a=1"),
        "another nonce": signed(**{"rootline-nonce": "nonce-0009"}),
        "another time": signed(**{"rootline-timestamp": str(int(time.time()) - 3)}),
        "a source without signing keys": signed(**{"rootline-source": "bearer"}),
        "nobody's name": signed(**{"rootline-source": "nobody"}),
        "another request's": signed(**{"rootline-signature": sign(OLD, stranger, 1, "n")}),
        "a header added on the way": signed(**{"ce-source": "x"}),
        "an encoding added on the way": signed(**{"content-encoding": "identity"}),
        "a header changed": signed(signed_headers={"ce-id": "7"}, **{"ce-id": "8"}),
    }


def test_anything_else_than_what_was_signed_is_refused(start_bench):
    async def scene():
        async with start_bench(kafka=False, sources=(DEPLOYS, BEARER)) as bench:
            for what, headers in forgeries().items():
                status, text = await post(bench, headers)
                assert status == 401, what
                assert "no key of its source made this signature" in text
                assert OLD not in text
            # Refused is not remembered: a good one with the nonce passes (Kafka is away).
            status, _ = await post(bench, signed())
            assert status == 503

    asyncio.run(scene())


@pytest.mark.parametrize("missing", ["rootline-source", "rootline-timestamp", "rootline-nonce"])
@pytest.mark.parametrize("instead", ["", "\u00e9", "x" * 300], ids=["empty", "letter", "long"])
def test_a_request_with_half_a_signature_is_refused(start_bench, missing, instead):
    async def scene():
        async with start_bench(kafka=False, sources=(DEPLOYS,)) as bench:
            status, text = await post(bench, signed() | {missing: instead})
            assert status == 401, text

    asyncio.run(scene())


@pytest.mark.parametrize(("off", "side"), [(-400, "400 s old"), (400, "400 s ahead")])
def test_an_old_or_future_timestamp_is_refused_before_the_body_is_read(start_bench, off, side):
    async def never():
        yield b"{"
        await asyncio.sleep(60)

    async def scene():
        async with start_bench(kafka=False, sources=(DEPLOYS,)) as bench, asyncio.timeout(5):
            headers = signed(timestamp=time.time() + off + 0.5)
            async with bench.client.post(PATH, data=never(), headers=headers) as answer:
                assert answer.status == 401
                text = await answer.text()
            assert "(gateway.signing.tolerance_seconds)" in text
            assert side.split()[2] in text

    asyncio.run(scene())


def test_the_signature_is_of_the_body_as_sent_compressed(start_bench):
    async def scene():
        async with start_bench(sources=(DEPLOYS,)) as bench:
            body = gzip.compress(CHANGE)
            headers = signed(body, signed_headers={"content-encoding": "gzip", "ce-id": "a"})
            status, text = await post(bench, headers, body)
            assert status == 200, text
            (record,) = await bench.records("changes", 1)
            assert record.value == CHANGE

    asyncio.run(scene())


def test_what_kafka_could_not_take_may_be_sent_again_as_it_is(start_bench):
    async def scene():
        async with start_bench(kafka=False, sources=(DEPLOYS,)) as bench:
            headers = signed()
            for _ in range(2):
                status, text = await post(bench, headers)
                assert status == 503, text

    asyncio.run(scene())


def test_during_a_rotation_a_sender_may_show_two_signatures(start_bench):
    async def scene():
        async with start_bench(sources=(replace(DEPLOYS, signing_keys=(NEW,)),)) as bench:
            first, second = signed(key=OLD), signed(key=NEW)
            both = f"{first['rootline-signature']},{second['rootline-signature']}"
            status, text = await post(bench, second | {"rootline-signature": both})
            assert status == 200, text

    asyncio.run(scene())


def test_claims_do_not_use_up_the_pace_of_the_source_they_name(start_bench):
    slow = replace(DEPLOYS, requests_per_second=0.1, burst=1)

    async def scene():
        async with start_bench(kafka=False, sources=(slow,)) as bench:
            for number in range(5):
                forged = signed(key="a-key-that-was-guessed", nonce=f"nonce-{number:04}")
                assert (await post(bench, forged))[0] == 401
            assert (await post(bench, signed(nonce="nonce-good")))[0] == 503
            status, text = await post(bench, signed(nonce="nonce-more"))
            assert status == 429, text

    asyncio.run(scene())


def test_a_full_memory_of_nonces_refuses_and_forgets_only_what_is_too_old():
    replays = Replays(limit=2)
    replays.enter("a", "n1", now=0.0, until=10.0)
    replays.enter("b", "n1", now=1.0, until=12.0)
    with pytest.raises(Refusal) as caught:
        replays.enter("a", "n3", now=2.0, until=12.0)
    assert caught.value.reason is Reason.OVERLOADED
    with pytest.raises(Refusal) as caught:
        replays.enter("a", "n1", now=9.0, until=19.0)
    assert caught.value.reason is Reason.REPLAYED
    replays.enter("a", "n3", now=11.0, until=21.0)
    assert len(replays) == 2


def test_the_memory_is_as_large_as_configured(start_bench):
    async def scene():
        small = SigningConfig(replay_entries=1)
        async with start_bench(sources=(DEPLOYS,), signing=small) as bench:
            assert (await post(bench, signed()))[0] == 200
            status, text = await post(bench, signed(nonce="nonce-0002"))
            assert status == 503
            assert "replay_entries" in text

    asyncio.run(scene())


@pytest.mark.parametrize(
    "value", ["", "v1=", "v2=" + "a" * 64, "v1=" + "A" * 64, ",".join(["v1=" + "a" * 64] * 9)]
)
def test_signatures_of_another_form_are_none(value):
    headers = {
        "Rootline-Source": "a",
        "Rootline-Timestamp": "1",
        "Rootline-Nonce": "nonce-0001",
        "Rootline-Signature": value,
    }
    assert read_claim(headers) is None
