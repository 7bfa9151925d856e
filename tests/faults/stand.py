"""One run: brokers, workers, a chat receiver, the control client and the player, and a fault.

The order of a run: all is ready; the warm-up is played until every source of telemetry is known;
the storm is played while the fault strikes; when all alerts have passed the first stage the
curtain falls (windows end, incidents resolve); the run is over when all groups have committed
all there is.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from agents.demo.receiver import ChatReceiver
from tests.faults.cluster import Brokers
from tests.faults.control import Control
from tests.faults.outcome import Outcome, Told
from tests.faults.player import Player
from tests.faults.processes import Nursery, Process
from tests.faults.storm import Step, Storm

_SETTLE_SECONDS = 90.0
# The storm waits while a fault lasts, and no fault lasts longer than two minutes.
_STEP_SECONDS = 240.0
_LOOK_SECONDS = 0.15
_GROUPS = ("rootline-reduce", "rootline-correlate", "rootline-notify")


class RunError(Exception):
    """A run did not come to its end; the sentence says where it stood."""


@dataclass(slots=True, kw_only=True)
class Stand:
    """What a fault may touch. `outage` is what it took away by itself, in seconds."""

    brokers: Brokers
    nursery: Nursery
    folder: Path
    webhook: str
    bootstrap: str
    workers_bootstrap: str
    cold: bool = False
    player: Player | None = None
    worker: dict[str, Any] = field(default_factory=dict)
    workers: list[Process] = field(default_factory=list)
    struck_at: float = 0.0
    outage: float = 0.0
    notes: list[str] = field(default_factory=list)
    _count: int = 0

    async def start_worker(
        self, *, die_at: str = "never", later: bool = False, **settings: Any
    ) -> Process:
        """Start one more worker, perhaps of a later version; it need not be ready."""
        self._count += 1
        name = f"worker-{self._count}"
        order = {
            "role": "worker",
            "bootstrap": self.workers_bootstrap,
            "webhook": self.webhook,
            "worker": self.worker | settings,
            "die_at": die_at,
            "later": later,
        }
        start = self.nursery.start_cold if self.cold else self.nursery.start
        process = await start(name, order, self.folder / f"{name}.log")
        self.workers.append(process)
        return process

    async def start_workers(self, count: int, **settings: Any) -> None:
        """Start workers and wait until all are ready."""
        started = [await self.start_worker(**settings) for _ in range(count)]
        for process in started:
            await process.ready()

    @property
    def running(self) -> list[Process]:
        return [worker for worker in self.workers if worker.is_running]

    def strikes(self) -> None:
        """Note that the fault begins now."""
        self.struck_at = time.monotonic()

    async def arm(self) -> None:
        """Let failpoints count from now on."""
        for worker in self.running:
            worker.send(signal.SIGUSR1)


Fault = Callable[[Stand], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The result of one run: what it left, how long alerts waited, how long it took."""

    outcome: Outcome
    waited_seconds: float
    outage_seconds: float
    took_seconds: float
    notes: tuple[str, ...]

    @property
    def recovery_seconds(self) -> float:
        """The longest that an alert waited for its effect, beyond the outage itself."""
        return max(0.0, self.waited_seconds - self.outage_seconds)


async def play(stand: Stand, receiver: ChatReceiver, storm: Storm, fault: Fault | None) -> Run:
    """Play one run on brokers that run; workers are started by the caller."""
    began = time.monotonic()
    control = Control(stand.bootstrap)
    reading = asyncio.create_task(control.run())
    try:
        async with Player(stand.bootstrap) as player:
            await _through(stand, storm, fault, control, player)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    return Run(
        outcome=_outcome(control, player, receiver),
        waited_seconds=_longest_wait(control, player, stand.struck_at),
        outage_seconds=stand.outage,
        took_seconds=time.monotonic() - began,
        notes=tuple(stand.notes),
    )


async def _through(
    stand: Stand, storm: Storm, fault: Fault | None, control: Control, player: Player
) -> None:
    pulsing = asyncio.create_task(player.pulses())
    try:
        await _step(storm.warmup, control, player)
        playing = asyncio.create_task(_steps(storm.storm, control, player))
        if fault is not None:
            stand.player = player
            await stand.arm()
            await fault(stand)
        await playing
    finally:
        player.stop_pulses()
        await pulsing
    await player.last_pulse()
    await _step(storm.curtain, control, player)
    await _settled(stand, control)


async def _steps(steps: Sequence[Step], control: Control, player: Player) -> None:
    for step in steps:
        await _step(step, control, player)


async def _step(step: Step, control: Control, player: Player) -> None:
    """Play a step: telemetry goes only when all alerts before it have passed the first stage."""
    await player.play(step.sparse)
    await _reached("alerts to pass", control, lambda: step.alerts <= control.forwarded)
    await player.play(step.telemetry)
    await _reached(
        "telemetry to pass",
        control,
        lambda: all(control.sources.get(at, 0) >= ms for at, ms in step.observed.items()),
    )


async def _reached(what: str, control: Control, reached: Callable[[], bool]) -> None:
    if not await control.until(reached, _STEP_SECONDS):
        msg = f"waited {_STEP_SECONDS:.0f} s for {what}"
        raise RunError(msg)


async def _settled(stand: Stand, control: Control) -> None:
    """Wait until every group has committed all there is, and the control client read it."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    before: dict[TopicPartition, int] = {}
    furthest = 0
    behind = "no answer"
    while time.monotonic() < deadline:
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            ends, committed = await _offsets(stand.bootstrap)
            left = {
                f"{tp.topic}/{tp.partition}": end - committed.get(tp, 0)
                for tp, end in ends.items()
                if end > committed.get(tp, 0) or end > control.position(tp.topic, tp.partition)
            }
            if not left and ends == before:
                return
            before, behind = ends, str(left)
            if sum(committed.values()) > furthest:
                # Slow is not stuck: what counts is the time in which nothing moves.
                furthest = sum(committed.values())
                deadline = time.monotonic() + _SETTLE_SECONDS
        await asyncio.sleep(_LOOK_SECONDS)
    dead = [f"{w.name}: {w.tail()[-400:]}" for w in stand.workers[-1:] if not w.is_running]
    msg = f"nothing was committed in {_SETTLE_SECONDS:.0f} s; behind: {behind}; {dead}"
    raise RunError(msg)


async def _offsets(
    bootstrap: str,
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """Return where the partitions end that the groups read, and what is committed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    committed: dict[TopicPartition, int] = {}
    async with asyncio.timeout(10):
        await admin.start()
        try:
            for group in _GROUPS:
                found = await admin.list_consumer_group_offsets(group)
                committed |= {tp: meta.offset for tp, meta in found.items()}
            ends = await _ends(bootstrap, sorted(committed))
        finally:
            await admin.close()
    return ends, committed


async def _ends(bootstrap: str, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
    from aiokafka import AIOKafkaConsumer  # noqa: PLC0415

    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        return dict(await consumer.end_offsets(tps))
    finally:
        await consumer.stop()


def _longest_wait(control: Control, player: Player, since: float) -> float:
    """Return the longest that a pulse waited which was not answered when the fault began."""
    waits = [
        control.answered[beat] - sent
        for beat, sent in player.beats.items()
        if control.answered.get(beat, 0.0) >= since
    ]
    return max(waits, default=0.0)


def _outcome(control: Control, player: Player, receiver: ChatReceiver) -> Outcome:
    told = []
    for message in receiver.messages:
        incident_id, _, revision = message.idempotency_key.rpartition(":")
        told.append(Told(incident_id=incident_id, revision=int(revision)))
    return Outcome(
        revisions=tuple(control.revisions),
        set_aside=tuple(sorted(control.set_aside, key=str)),
        told=tuple(told),
        openings=tuple(control.openings),
        acknowledged=frozenset(player.acknowledged),
        read=tuple(control.read),
        beats=frozenset(player.beats),
        answered=frozenset(control.answered),
        dead_letters=frozenset(control.dead_letters),
        poisoned=frozenset(player.poisoned),
    )
