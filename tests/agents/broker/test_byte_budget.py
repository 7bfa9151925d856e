import asyncio
from collections.abc import Coroutine
from typing import Any

from agents.broker.byte_budget import ByteBudget


def run(test: Coroutine[Any, Any, None]) -> None:
    async def within_time() -> None:
        async with asyncio.timeout(5):
            await test

    asyncio.run(within_time())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def hold(budget: ByteBudget, size: int, release: asyncio.Event, entered: list[int]) -> None:
    async with budget.hold(size):
        entered.append(size)
        await release.wait()


def test_who_does_not_fit_waits_its_turn() -> None:
    async def scenario() -> None:
        budget, release, entered = ByteBudget(100), asyncio.Event(), list[int]()
        tasks = [asyncio.create_task(hold(budget, size, release, entered)) for size in (60, 50, 1)]
        await settle()
        assert entered == [60], "the small one does not overtake"
        release.set()
        await asyncio.gather(*tasks)
        assert entered == [60, 50, 1]
        assert budget.used == 0

    run(scenario())


def test_one_above_the_limit_is_let_in_when_it_is_alone() -> None:
    async def scenario() -> None:
        budget = ByteBudget(100)
        async with budget.hold(500):
            assert budget.used == 500
        assert budget.used == 0

    run(scenario())


def test_a_charge_above_the_limit_holds_others_back() -> None:
    async def scenario() -> None:
        budget = ByteBudget(100)
        with budget.charge(200):
            waiting = asyncio.create_task(budget.wait_for_room())
            await settle()
            assert not waiting.done()
        await waiting

    run(scenario())


def test_one_that_gives_up_waiting_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        budget, release, entered = ByteBudget(100), asyncio.Event(), list[int]()
        holder = asyncio.create_task(hold(budget, 90, release, entered))
        await settle()
        quitter = asyncio.create_task(hold(budget, 80, release, entered))
        small = asyncio.create_task(hold(budget, 5, release, entered))
        await settle()
        quitter.cancel()
        await settle()
        assert entered == [90, 5], "the one behind it moves up"
        release.set()
        await asyncio.gather(holder, small)
        assert budget.used == 0

    run(scenario())
