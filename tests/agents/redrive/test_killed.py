"""Runs of redrive that are killed between two steps, or that meet each other."""

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

SCRIPT = Path(__file__).with_name("redriver.py")
LETTERS = 12
LEASE_MS = 1_000


async def killed_run(post, die_at, times):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        post.stand.bootstrap,
        die_at,
        str(times),
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL


async def sent_again(post):
    """How often each letter's message lies on its topic a second time."""
    headers = [dict(record.headers) for record in await post.stand.read("alerts")]
    return Counter(h["rootline.redrive.letter"] for h in headers if "rootline.redrive.letter" in h)


@pytest.mark.parametrize(
    "die_at",
    [
        "sent",
        pytest.param("taken", marks=pytest.mark.slow),
        pytest.param("noted", marks=pytest.mark.slow),
    ],
)
def test_a_run_that_is_killed_loses_no_letter_and_the_next_doubles_none(with_post, die_at):
    async def scenario(post):
        await post.letters(LETTERS)
        await killed_run(post, die_at, 2)
        before = await sent_again(post)
        assert len(before) == {"taken": 5, "sent": 10, "noted": 10}[die_at]
        held = await post.fates()
        assert held.count("held") == {"taken": 5, "sent": 5, "noted": 0}[die_at]
        await asyncio.sleep(LEASE_MS / 1000)
        await post.redrive(lease_ms=LEASE_MS)
        after = await sent_again(post)
        assert len(after) == LETTERS
        assert set(after.values()) == {1}
        assert set(await post.fates(lease_ms=LEASE_MS)) == {"already_sent"}

    with_post(scenario)


def test_two_runs_at_once_send_each_letter_once(with_post):
    async def scenario(post):
        await post.letters(LETTERS)
        runs = await asyncio.gather(post.fates(), post.fates(rate=4.0), post.fates(rate=3.0))
        assert sum(fates.count("send") for fates in runs) == LETTERS
        assert set((await sent_again(post)).values()) == {1}
        assert len(await sent_again(post)) == LETTERS

    with_post(scenario)
