import asyncio
import itertools
import signal

import pytest

pytestmark = pytest.mark.integration

FAILPOINTS = [
    "assigned:1",
    "restored:1",
    "read:4",
    "handled:4",
    "sent:4",
    "published:4",
    "owner:1",
    "saved:1",
    "committed:1",
]


def test_a_worker_killed_at_any_step_loses_and_doubles_nothing(on_stand, assert_exactly_once):
    async def one(stand, die_at):
        suffix = f".{die_at.partition(':')[0]}"
        await stand.counting_topics(suffix=suffix)
        await stand.number(0, 600, suffix=suffix)
        doomed = await stand.worker("--suffix", suffix, "--die-at", die_at, wait=False)
        assert await asyncio.wait_for(doomed.wait(), 30) == -signal.SIGKILL, die_at
        await stand.number(600, 200, suffix=suffix)
        await stand.worker("--suffix", suffix)
        assert_exactly_once(await stand.counted(800, suffix), 800)

    async def scenario(stand):
        async with asyncio.TaskGroup() as group:
            for die_at in FAILPOINTS:
                group.create_task(one(stand, die_at))

    on_stand(scenario)


def test_workers_that_join_leave_and_are_killed_in_a_stream_lose_and_double_nothing(
    on_stand, assert_exactly_once
):
    async def scenario(stand):
        await stand.counting_topics(partitions=4)
        numbers = itertools.count(step=100)
        stop = asyncio.Event()

        async def stream():
            while not stop.is_set():
                await stand.number(next(numbers), 100, partitions=4)
                await asyncio.sleep(0.1)
            return next(numbers)

        streaming = asyncio.create_task(stream())
        first = await stand.worker()
        second = await stand.worker()
        first.kill()
        third = await stand.worker()
        second.terminate()
        assert await asyncio.wait_for(second.wait(), 20) == 0
        await stand.worker()
        third.kill()
        stop.set()
        total = await streaming
        assert_exactly_once(await stand.counted(total), total, partitions=4)

    on_stand(scenario)


def test_a_state_of_many_chunks_comes_back_whole(on_stand, assert_exactly_once):
    async def scenario(stand):
        await stand.counting_topics()
        await stand.number(0, 200)
        large = ("--ballast", "300000", "--chunk", "20000")
        first = await stand.worker(*large)
        await stand.counted(200)
        first.terminate()
        assert await asyncio.wait_for(first.wait(), 20) == 0
        chunks = await stand.read("state")
        assert len(chunks) >= 2 * 15
        await stand.number(200, 200)
        await stand.worker(*large)
        records = await stand.counted(400)
        assert_exactly_once(records, 400)
        assert len(records) == 400  # an orderly stop leaves nothing to repeat

    on_stand(scenario)


def test_workers_of_two_versions_take_turns_though_the_older_cannot_read_the_later_state(
    on_stand, assert_exactly_once
):
    async def scenario(stand):
        await stand.counting_topics()
        for turn, form in enumerate(("1", "2", "1", "2")):
            await stand.number(200 * turn, 200)
            worker = await stand.worker("--form", form)
            await stand.counted(200 * (turn + 1))
            worker.terminate()
            assert await asyncio.wait_for(worker.wait(), 20) == 0
        records = await stand.counted(800)
        assert_exactly_once(records, 800)
        # The third had to go back to where the first left off, the fourth took over from it.
        assert 800 < len(records) <= 1_000

    on_stand(scenario)


def test_a_broker_that_restarts_costs_time_and_nothing_else(on_stand, assert_exactly_once):
    async def scenario(stand):
        await stand.counting_topics()
        await stand.number(0, 200)
        worker = await stand.worker()
        await stand.counted(200)
        await stand.stop_broker()
        await asyncio.sleep(1.0)  # long enough for the worker to notice
        await stand.start_broker()
        await stand.number(200, 200)
        assert_exactly_once(await stand.counted(400), 400)
        worker.terminate()
        assert await asyncio.wait_for(worker.wait(), 20) == 0

    on_stand(scenario)


def test_a_worker_that_starts_before_kafka_waits_for_it(on_stand, assert_exactly_once):
    async def scenario(stand):
        await stand.counting_topics()
        await stand.number(0, 100)
        await stand.stop_broker()
        await stand.worker(wait=False)
        await asyncio.sleep(1.0)  # it tries in vain
        await stand.start_broker()
        assert_exactly_once(await stand.counted(100), 100)

    on_stand(scenario)


def test_a_frozen_worker_that_wakes_up_after_its_partitions_are_gone_changes_nothing(
    on_stand, assert_exactly_once
):
    async def scenario(stand):
        await stand.counting_topics()
        await stand.number(0, 200)
        frozen = await stand.worker()
        await stand.counted(100)
        frozen.send_signal(signal.SIGSTOP)
        await stand.number(200, 200)
        other = await stand.worker()
        await stand.counted(400)
        frozen.send_signal(signal.SIGCONT)
        await stand.number(400, 200)
        await stand.counted(600)
        other.terminate()
        assert await asyncio.wait_for(other.wait(), 20) == 0
        await stand.number(600, 200)
        assert_exactly_once(await stand.counted(800), 800)

    on_stand(scenario)
