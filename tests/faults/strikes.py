"""The faults: each is struck while the storm plays, and returns when nothing is broken any more.

A strike draws its moment and its victim from the run's random generator, so that a run is repeated
by its number.
"""

import asyncio
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass

from agents.worker.topics import TopicsConfig
from tests.faults.orders import INPUT_PARTITIONS
from tests.faults.poisons import poisons
from tests.faults.proxy import Proxy
from tests.faults.stand import RunError, Stand

_DEATH_SECONDS = 40.0
KILLS = 5
_POISONS = 20
"""Rounds of poison, a message for each input topic: one in ten of what a storm plays."""
REBALANCING = ("assigned", "restored", "releasing", "released")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How long faults last: as the target asks, or shortened."""

    storm_seconds: float
    stop_seconds: float
    cut_seconds: float


FULL = Scale(storm_seconds=4.0, stop_seconds=30.0, cut_seconds=120.0)
QUICK = Scale(storm_seconds=3.0, stop_seconds=5.0, cut_seconds=8.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a strike is drawn from."""

    rng: random.Random
    scale: Scale
    proxy: Proxy | None = None

    async def moment(self) -> None:
        """Wait for some moment of the storm."""
        await asyncio.sleep(self.rng.uniform(0, self.scale.storm_seconds))


async def nothing(_stand: Stand, _plan: Plan) -> None:
    """Disturb nothing."""


async def kill_worker(stand: Stand, plan: Plan) -> None:
    """Kill a worker with -9 and start another."""
    await plan.moment()
    victim = plan.rng.choice(stand.running)
    stand.strikes()
    await victim.kill()
    await (await stand.start_worker()).ready()


async def kill_workers(stand: Stand, plan: Plan) -> None:
    """Kill one worker after the other, some before they are ready, and start another each time."""
    await plan.moment()
    stand.strikes()
    for _ in range(KILLS):
        victim = plan.rng.choice(stand.running)
        await victim.kill()
        started = await stand.start_worker()
        await asyncio.sleep(plan.rng.uniform(0.0, 2.0))
        if plan.rng.random() < 0.7:
            await started.ready()
    await stand.running[-1].ready()


def die_at(moment: str) -> Callable[[Stand, Plan], "asyncio.Future[None]"]:
    """Let a worker kill itself at a named moment, some time in the storm; start another."""

    async def strike(stand: Stand, plan: Plan) -> None:
        doomed = stand.running[0]
        if moment.partition(".")[2] in REBALANCING:
            await plan.moment()
            await stand.start_worker()
        try:
            code = await doomed.ended(_DEATH_SECONDS)
        except TimeoutError:
            stand.notes.append(f"{moment} was not reached")
            return
        if code != -signal.SIGKILL:
            msg = f"the worker that was to die at {moment} ended with {code}: {doomed.tail()}"
            raise RunError(msg)
        stand.strikes()
        await (await stand.start_worker()).ready()

    return strike  # type: ignore[return-value] # a coroutine function


async def kill_broker(stand: Stand, plan: Plan) -> None:
    """Kill a broker with -9, and start it again a little later."""
    await plan.moment()
    node = plan.rng.choice(stand.brokers.nodes)
    stand.strikes()
    await stand.brokers.kill(node)
    await asyncio.sleep(plan.rng.uniform(0.0, 1.5))
    await stand.brokers.restart(node)


async def kill_both(stand: Stand, plan: Plan) -> None:
    """Kill a worker and the broker at once."""
    await plan.moment()
    victim = plan.rng.choice(stand.running)
    stand.strikes()
    await asyncio.gather(victim.kill(), stand.brokers.kill(plan.rng.choice(stand.brokers.nodes)))
    for node in stand.brokers.nodes:
        await stand.brokers.restart(node)
    await (await stand.start_worker()).ready()


async def stop_worker(stand: Stand, plan: Plan) -> None:
    """Freeze a worker with SIGSTOP until its partitions are long gone, then wake it up."""
    await plan.moment()
    victim = plan.rng.choice(stand.running)
    stand.strikes()
    victim.send(signal.SIGSTOP)
    await asyncio.sleep(plan.scale.stop_seconds)
    victim.send(signal.SIGCONT)


async def stop_broker(stand: Stand, plan: Plan) -> None:
    """Freeze a broker with SIGSTOP: connections stay, nobody answers."""
    await plan.moment()
    node = plan.rng.choice(stand.brokers.nodes)
    stand.strikes()
    stand.outage = plan.scale.stop_seconds if len(stand.brokers.nodes) == 1 else 0.0
    await stand.brokers.suspend(node)
    await asyncio.sleep(plan.scale.stop_seconds)
    await stand.brokers.resume(node)


async def cut_broker(stand: Stand, plan: Plan) -> None:
    """Let the workers' way to the broker stop forwarding; the producers still reach it."""
    assert plan.proxy is not None
    await plan.moment()
    stand.strikes()
    stand.outage = plan.scale.cut_seconds
    plan.proxy.cut()
    await asyncio.sleep(plan.scale.cut_seconds)
    plan.proxy.mend()


async def lose_broker(stand: Stand, plan: Plan) -> None:
    """Kill one of three brokers and leave it away until the storm is over."""
    await plan.moment()
    node = plan.rng.choice(stand.brokers.nodes)
    stand.strikes()
    await stand.brokers.kill(node)
    await asyncio.sleep(plan.scale.stop_seconds)
    await stand.brokers.restart(node)


async def change_leader(stand: Stand, plan: Plan) -> None:
    """Shut one of three brokers down in order, so that others lead its partitions; start it."""
    await plan.moment()
    node = plan.rng.choice(stand.brokers.nodes)
    stand.strikes()
    await stand.brokers.terminate(node)
    await stand.brokers.restart(node)


async def come_and_go(stand: Stand, plan: Plan) -> None:
    """Let a second worker join; then one of the two leaves in order, or is killed."""
    await plan.moment()
    stand.strikes()
    await (await stand.start_worker()).ready()
    await plan.moment()
    victim = plan.rng.choice(stand.running)
    if plan.rng.random() < 0.5:
        await leave(victim.name, stand)
    else:
        await victim.kill()


async def leave(name: str, stand: Stand) -> None:
    """Terminate a worker in order.

    Raises:
        RunError: its exit code is not 0.
    """
    worker = next(each for each in stand.workers if each.name == name)
    worker.send(signal.SIGTERM)
    code = await worker.ended()
    if code != 0:
        msg = f"{name} was terminated and ended with {code}: {worker.tail()}"
        raise RunError(msg)


async def roll(stand: Stand, plan: Plan) -> None:
    """Replace the workers one by one by a later version; some of the new ones crash at first.

    Then the older version takes over what the later one has saved, and cannot read it.
    """
    await plan.moment()
    stand.strikes()
    for old in list(stand.running):
        new = await stand.start_worker(later=True)
        await new.ready()
        if plan.rng.random() < 0.5:
            await asyncio.sleep(plan.rng.uniform(0.5, 1.5))
            await new.kill()
            stand.notes.append("some new ones crashed")
            await (await stand.start_worker(later=True)).ready()
        await leave(old.name, stand)


async def poison(stand: Stand, plan: Plan) -> None:
    """Send messages that nobody can use among the others, one in ten, into every input topic."""
    assert stand.player is not None
    stand.strikes()
    for _ in range(_POISONS):
        for topic in TopicsConfig().inputs:
            partition = plan.rng.randrange(INPUT_PARTITIONS)
            await stand.player.poison(topic, partition, plan.rng.choice(poisons(topic)))
        await asyncio.sleep(plan.scale.storm_seconds / _POISONS)


async def scale_out_and_in(stand: Stand, plan: Plan) -> None:
    """Go from one worker to four, and to two."""
    await plan.moment()
    stand.strikes()
    await stand.start_workers(3)
    for victim in plan.rng.sample(stand.running, 2):
        await leave(victim.name, stand)
