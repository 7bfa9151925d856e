"""The demo from its first process to its last: start, simulate, play, read, judge, stop.

Whatever happens, everything that was started is stopped; what ends by itself ends the demo.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.demo.check import failures
from agents.demo.children import Child, Children, cancelled
from agents.demo.configuration import FILE, configure
from agents.demo.expectation import read_expectation
from agents.demo.observer import Observer
from agents.demo.other_cluster import check_unused
from agents.demo.receiver import ChatReceiver
from agents.demo.scene import Scene, Stage

RECORDING = "recording"
_QUIET_SECONDS = 2.0
_SETTLE_SECONDS = 15.0
_TOLERANCE_MS = 15_000
"""How near to the end the slowest source has to come: flushes are 5 s of event time apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where everything listens."""

    bootstrap: str
    gateway: str
    health: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended."""

    problems: tuple[str, ...]
    payloads: tuple[Mapping[str, Any], ...]
    wall_seconds: float
    reaction_seconds: float | None


class Performance:
    """One run of the demo.

    Args:
        folder: a folder of its own for data, logs, recording and configuration.
        fault: what is simulated.
        seed: draws everything that is drawn.
        stage: is kept up to date for the view.
        changed: is called when there is something new to see.
        bootstrap: a Kafka to play on; an embedded broker of its own unless given.
    """

    def __init__(
        self,
        folder: Path,
        fault: str,
        seed: int,
        stage: Stage,
        changed: Callable[[], None],
        *,
        bootstrap: str | None = None,
    ) -> None:
        self.scene = Scene()
        self.chat = ChatReceiver()
        self.addresses: Addresses | None = None
        self._folder = folder
        self._fault = fault
        self._seed = seed
        self._stage = stage
        self._changed = changed
        self._bootstrap = bootstrap
        self._began = time.monotonic()
        self._sent = asyncio.Event()
        self._read_at = 0.0
        self._seen_at: dict[str, float] = {}

    async def run(
        self, then: Callable[[Outcome], Coroutine[Any, Any, None]] | None = None
    ) -> Outcome:
        """Play and judge.

        Args:
            then: is awaited with the outcome while everything still runs.

        Raises:
            ChildDiedError: a process ended by itself.
        """
        environ = {"ROOTLINE_CONFIG": str(self._folder / FILE)}
        async with self.chat, Children(self._folder, environ) as children:
            outcome = await children.guard(self._whole(children))
            if then is not None:
                await children.guard(then(outcome))
            return outcome

    async def _whole(self, children: Children) -> Outcome:
        recording = str(self._folder / RECORDING)
        player = await children.start(
            "player",
            "agents.demo.player",
            [self._fault, str(self._seed), recording],
            may_end=True,
        )
        _, self.addresses = await _both(self._simulated(player), self._start(children))
        return await self._perform(player, self.addresses)

    async def _start(self, children: Children) -> Addresses:
        self._part("broker", "starting")
        bootstrap = await self._broker(children)
        self._part("broker", bootstrap)
        self._configure(bootstrap)
        self._part("worker", "starting")
        self._part("gateway", "starting")
        worker = await children.rootline("worker")
        gateway = await children.rootline("gateway")
        health, url = await _both(self._ready(worker, "health"), self._ready(gateway, "url"))
        # Who is pointed at this file later finds the ports that were taken.
        ports = {"gateway": _port(url), "telemetry": _port(health)}
        self._configure(bootstrap, **ports)
        return Addresses(bootstrap=bootstrap, gateway=url, health=health)

    async def _broker(self, children: Children) -> str:
        if self._bootstrap is not None:
            await check_unused(self._bootstrap)
            return self._bootstrap
        # Every process reads the file; where the broker listens, it learns only from the broker.
        self._configure("127.0.0.1:9092")
        data = str(self._folder / "broker")
        broker = await children.rootline("broker", "--port", "0", "--data-dir", data)
        return str((await broker.ready())["bootstrap"])

    def _configure(self, bootstrap: str, **ports: int) -> None:
        configure(
            self._folder,
            bootstrap=bootstrap,
            webhook=self.chat.url,
            speed=self._stage.speed,
            ports=ports,
        )

    async def _ready(self, child: Child, key: str) -> str:
        address = str((await child.ready())[key])
        self._part(child.name, address)
        return address

    def _part(self, name: str, state: str) -> None:
        self._stage.parts[name] = state
        self._changed()

    async def _simulated(self, player: Child) -> None:
        stage = self._stage
        async for line in player.lines():
            if line["event"] == "ready":
                stage.simulated = 1.0
                stage.start_ms, stage.storm_ms = line["start_ms"], line["storm_ms"]
                stage.end_ms = line["end_ms"]
                self._changed()
                return
            stage.simulated = line["share"]
            self._changed()
        await player.process.wait()
        msg = "ended before it had simulated the storm"
        raise player.death(msg)

    async def _perform(self, player: Child, where: Addresses) -> Outcome:
        player.tell(
            order="play", gateway=where.gateway, bootstrap=where.bootstrap, speed=self._stage.speed
        )
        async with Observer(where.bootstrap, self.scene) as observer:
            settled = asyncio.create_task(self._settled())
            background = [
                asyncio.create_task(observer.follow(lambda: self._read(player))),
                asyncio.create_task(self._playing(player)),
            ]
            try:
                await _first(settled, background)
            finally:
                await cancelled([settled, *background])
            return self._judged()

    def _read(self, player: Child) -> None:
        self._read_at = time.monotonic()
        for key in (*self.scene.fired, *self.scene.incidents):
            self._seen_at.setdefault(key, self._read_at)
        if self.scene.reached_ms and not self._sent.is_set():
            player.tell(order="reached", event_ms=self.scene.reached_ms)
        self._changed()

    async def _playing(self, player: Child) -> None:
        stage = self._stage
        async for line in player.lines():
            stage.sent_ms = line["event_ms"]
            if line["event"] == "done":
                self._sent.set()
                await asyncio.Event().wait()
            stage.sent = {"spans": line["spans"], "samples": line["samples"]}
            self._changed()
        await player.process.wait()
        msg = "ended before it had sent everything"
        raise player.death(msg)

    async def _settled(self) -> None:
        """Return when all that was sent has been read and nothing new comes out any more."""
        await self._sent.wait()
        until = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < until:
            behind_ms = self._stage.end_ms - self.scene.reached_ms
            if behind_ms <= _TOLERANCE_MS and time.monotonic() - self._read_at > _QUIET_SECONDS:
                return
            await asyncio.sleep(0.1)

    def _judged(self) -> Outcome:
        expected = read_expectation(self._folder / RECORDING)
        payloads = tuple(message.payload for message in self.chat.messages)
        return Outcome(
            problems=tuple(failures(expected, self.scene.revisions, payloads)),
            payloads=payloads,
            wall_seconds=time.monotonic() - self._began,
            reaction_seconds=self._reaction(),
        )

    def _reaction(self) -> float | None:
        """Seconds on the clock from the main incident's first alert to its first record."""
        main = self.scene.main
        if main is None:
            return None
        keys = (alert.fingerprint for alert in main.alerts)
        first = min((self._seen_at[key] for key in keys if key in self._seen_at), default=None)
        return self._seen_at[main.incident_id] - first if first is not None else None


def _port(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


async def _both(one: Any, other: Any) -> tuple[Any, Any]:
    """Await two at once; when one fails the other is cancelled, and its error is raised as is."""
    tasks = [asyncio.ensure_future(one), asyncio.ensure_future(other)]
    try:
        first, second = await asyncio.gather(*tasks)
    finally:
        await cancelled(tasks)
    return first, second


async def _first(main: "asyncio.Task[None]", background: "list[asyncio.Task[None]]") -> None:
    """Await the main task; what ends in the background before it is raised."""
    done, _ = await asyncio.wait((main, *background), return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
