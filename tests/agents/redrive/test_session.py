import asyncio
import os
from dataclasses import replace

import pytest
from aiokafka.admin import NewTopic

from agents.errors import RootlineError
from agents.gateway.message import Letter
from agents.redrive.judging import Fate
from agents.redrive.selection import Selection
from agents.telemetry import Telemetry
from agents.worker.assembly import dead_letters
from agents.worker.dead_letter import Complaint, Rejection
from agents.worker.topic_admin import admin_client

pytestmark = pytest.mark.integration


def of(letter):
    return {name: text.decode() for name, text in letter.headers}


def test_a_letter_goes_back_as_it_was_and_is_marked(with_post):
    async def scenario(post):
        await post.letter(key=b"k", headers=[("content-type", b"text/plain")], partition=2)
        assert await post.fates() == ["send"]
        original, again = await post.stand.read("alerts")
        assert (again.partition, again.key, again.value) == (2, b"k", b"{")
        assert again.timestamp > original.timestamp
        assert of(again) == {
            "content-type": "text/plain",
            "rootline.redrive.letter": "dead-letter/0/0",
            "rootline.redrive.origin": "alerts/2/0",
            "rootline.redrive.attempt": "1",
        }

    with_post(scenario)


def test_a_second_run_sends_nothing_and_again_sends_it_with_a_higher_count(with_post):
    async def scenario(post):
        await post.letter()
        assert await post.fates() == ["send"]
        assert await post.fates() == ["already_sent"]
        assert len(await post.stand.read("alerts")) == 2
        assert await post.fates(again=True) == ["send"]
        assert await post.fates() == ["already_sent"]
        counts = [of(r).get("rootline.redrive.attempt") for r in await post.stand.read("alerts")]
        assert counts == [None, "1", "2"]

    with_post(scenario)


def test_a_letter_that_fails_again_counts_on_until_it_failed_too_often(with_post):
    async def scenario(post):
        await post.letter()
        for attempt in (1, 2):
            assert "send" in await post.fates(max_attempts=2)
            last = (await post.stand.read("alerts"))[-1]
            assert of(last)["rootline.redrive.attempt"] == str(attempt)
            assert of(last)["rootline.redrive.origin"] == "alerts/0/0"
            await post.refuse(last)
        assert await post.fates(max_attempts=2) == ["already_sent", "already_sent", "too_often"]
        assert len(await post.stand.read("alerts")) == 3

    with_post(scenario)


def test_a_dry_run_tells_and_writes_nothing(with_post):
    async def scenario(post):
        await post.letter()
        assert await post.fates(dry_run=True) == ["send"]
        assert len(await post.stand.read("alerts")) == 1
        assert await post.stand.read("rootline.redriven") == []
        assert await post.fates(dry_run=True) == ["send"]

    with_post(scenario)


def test_what_has_no_known_target_is_refused_with_a_sentence(with_post):
    async def scenario(post):
        await post.stand.create(elsewhere=1)
        await post.letter("elsewhere")
        await post.send("dead-letter", b"x", headers=[("rootline.error.topic", b"alerts")])
        await post.send(
            "dead-letter",
            b"y",
            headers=[
                ("rootline.error.topic", b"alerts"),
                ("rootline.error.partition", b"-1"),
                ("rootline.error.offset", b"many"),
            ],
        )
        judged = await post.redrive()
        assert sorted(each.fate for each in judged) == [
            Fate.UNKNOWN_TARGET,
            Fate.WITHOUT_ORIGIN,
            Fate.WITHOUT_ORIGIN,
        ]
        assert all(";" in each.note for each in judged)
        assert len(await post.stand.read("elsewhere")) == 1
        assert await post.stand.read("alerts") == []

    with_post(scenario)


def test_what_the_gateway_refused_goes_to_the_topic_that_it_was_meant_for(with_post):
    async def scenario(post):
        refused = Letter(topic="alerts", timestamp=1, value=b"[", headers=(("h", b"v"),))
        maker = dead_letters(post.settings, Telemetry())
        complaint = Complaint(rejection=Rejection.UNDECODABLE, reason="no alert", stage="gateway")
        out = maker.letter(refused, complaint)
        await post.send(out.topic, out.value, headers=list(out.headers))
        assert await post.fates(selection=Selection(stages=("gateway",))) == ["send"]
        (again,) = await post.stand.read("alerts")
        assert again.value == b"["
        assert of(again)["h"] == "v"
        assert of(again)["rootline.redrive.origin"] == "alerts"

    with_post(scenario)


def test_filters_choose_and_a_limit_ends_the_run(with_post):
    async def scenario(post):
        await post.letter("alerts", b'{"service": "cart"}')
        bug = Complaint(rejection=Rejection.CODEC_BUG, reason="a bug in Rootline", stage="reduce")
        await post.letter("changes", b"[]", bug)
        await post.letter("metrics", b"1")

        async def chosen(**selection):
            told = await post.redrive(selection=Selection(**selection), dry_run=True)
            return [each.letter.origin.topic for each in told]

        assert await chosen(topics=("alerts", "metrics")) == ["alerts", "metrics"]
        assert await chosen(kinds=("codec_bug",)) == ["changes"]
        assert await chosen(stages=("notify",)) == []
        assert await chosen(text="CART") == ["alerts"]
        assert await chosen(text="bug in") == ["changes"]
        assert await chosen(places=((0, 2), (3, 0))) == ["metrics"]
        middle = (await post.stand.read("dead-letter"))[1].timestamp
        assert await chosen(since_ms=middle, until_ms=middle + 1) == ["changes"]
        assert await post.fates(limit=2) == ["send", "send"]
        assert await post.fates(limit=2) == ["already_sent", "already_sent", "send"]

    with_post(scenario)


def test_a_cut_letter_is_sent_whole_while_its_original_is_there(with_post):
    async def scenario(post):
        kafka = replace(post.settings.kafka, max_message_bytes=5_000_000)
        post.settings = replace(post.settings, kafka=kafka)
        value = b"[" * 5_500_000
        await post.letter("alerts", value, partition=1)
        (letter,) = await post.stand.read("dead-letter")
        assert len(letter.value) == 5_000_000
        assert of(letter)["rootline.error.cut_from_bytes"] == "5500000"
        elsewhere = [
            (name, b"3" if name.endswith("error.partition") else text)
            for name, text in letter.headers
        ]
        await post.send("dead-letter", letter.value, headers=elsewhere, partition=1)
        gone, whole = await post.redrive()
        assert (gone.fate, whole.fate) == (Fate.CUT, Fate.SEND)
        assert "no longer at alerts/3/0" in gone.note
        assert [r.value for r in await post.stand.read("alerts")] == [value, value]

    with_post(scenario)


def test_what_its_topic_does_not_take_is_refused_and_the_rest_is_sent(with_post):
    async def scenario(post):
        async with admin_client(post.settings.kafka) as admin:
            limit = {"max.message.bytes": "1000000"}
            await admin.create_topics([NewTopic("small", 1, 1, topic_configs=limit)])
        topics = replace(post.settings.topics, alerts="small")
        post.settings = replace(post.settings, topics=topics)
        big, little = os.urandom(2_000_000), b"{"
        for value in (big, little):
            await post.letter("changes", value)
            (found,) = [r for r in await post.stand.read("dead-letter") if r.value == value]
            moved = [
                (name, b"small" if name.endswith("error.topic") else text)
                for name, text in found.headers
            ]
            await post.send("dead-letter", value, headers=moved, partition=1)
        told = await post.redrive(selection=Selection(topics=("small",)))
        assert {each.letter.value: each.fate for each in told} == {
            big: Fate.TOO_LARGE,
            little: Fate.SEND,
        }
        assert [r.value for r in await post.stand.read("small")] == [little]

    with_post(scenario)


def test_an_old_message_never_comes_to_lie_after_a_newer_one_of_its_key(with_post):
    async def scenario(post):
        old = await post.letter("incidents", b"revision 1", key=b"i-1")
        await post.letter("incidents", b"revision 1", key=b"i-2")
        await post.send("incidents", b"revision 2", key=b"i-1", partition=0)
        judged = {each.letter.key: each for each in await post.redrive()}
        assert {key: each.fate.value for key, each in judged.items()} == {
            b"i-1": "superseded",
            b"i-2": "send",
        }
        assert old.offset == judged[b"i-1"].letter.place.offset
        values = [r.value for r in await post.stand.read("incidents") if r.key == b"i-1"]
        assert values == [b"revision 1", b"revision 2"]

    with_post(scenario)


def test_the_rate_is_kept(with_post):
    async def scenario(post):
        for _ in range(6):
            await post.letter()
        clock = asyncio.get_running_loop().time
        began = clock()
        assert await post.fates(rate=5.0) == ["send"] * 6
        assert clock() - began >= 1.0

    with_post(scenario)


def test_without_a_dead_letter_topic_a_sentence_says_so(on_stand_without_topics):
    async def scenario(post):
        with pytest.raises(RootlineError, match="there is no topic dead-letter"):
            await post.redrive()

    on_stand_without_topics(scenario)
