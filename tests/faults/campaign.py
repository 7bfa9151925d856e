"""Makes the runs of the rows, compares each with the undisturbed one, and keeps the score."""

import asyncio
import contextlib
import random
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agents.demo.receiver import ChatReceiver
from tests.faults.cluster import ApacheBrokers, Brokers, EmbeddedBrokers
from tests.faults.compare import Finding, compare
from tests.faults.outcome import Outcome
from tests.faults.processes import Nursery
from tests.faults.proxy import BROKER_HOST, Proxy
from tests.faults.rows import ROWS, Row
from tests.faults.stand import Run, Stand, play
from tests.faults.storm import Storm
from tests.faults.strikes import REBALANCING, Plan, Scale

_MESSAGES = 1_000
_AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run of a row: what was wrong, and what it cost. `run` is None when it did not end."""

    row: str
    number: int
    findings: tuple[Finding, ...]
    error: str = ""
    run: Run | None = None

    @property
    def passed(self) -> bool:
        return not self.findings and not self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to run, and on what.

    Attributes:
        runs: how many of each row, by its name.
        scale: how long faults last.
        cluster: embedded or apache.
        cold: whether workers start from nothing, as their users start them.
        folder: where logs of failed runs stay.
        seed: what the runs are drawn from.
        minutes: when to begin no more runs.
    """

    runs: dict[str, int]
    scale: Scale
    cluster: str
    cold: bool
    folder: Path
    seed: int
    minutes: float = float("inf")


@dataclass(slots=True)
class Campaign:
    """All runs of one invocation; `told` hears of each result as it comes."""

    choice: Choice
    nursery: Nursery
    storm: Storm
    told: Callable[[Result], None]
    results: list[Result] = field(default_factory=list)
    _expected: Outcome | None = None
    _until: float = 0.0

    async def run(self) -> list[Result]:
        """Make every run; the first is undisturbed, and what all others are compared with.

        Rows take turns, so that a campaign that is cut short has some of each.
        """
        self._until = time.monotonic() + self.choice.minutes * 60
        self._expected = (await self._play(ROWS[0], 0, self.choice.folder / "first")).outcome
        rows = [row for row in ROWS if self.choice.runs.get(row.name)]
        turns = [
            (number, row)
            for number in range(max(self.choice.runs.values(), default=0))
            for row in rows
            if number < self.choice.runs[row.name]
        ]
        busy = [turn for turn in turns if not turn[1].waits]
        waiting = [turn for turn in turns if turn[1].waits]
        lanes = [busy, *(waiting[start::_AT_ONCE] for start in range(_AT_ONCE))]
        await asyncio.gather(*(self._lane(lane) for lane in lanes))
        return self.results

    async def _lane(self, turns: Sequence[tuple[int, Row]]) -> None:
        for number, row in turns:
            if time.monotonic() > self._until:
                return
            result = await self._one(row, number)
            self.results.append(result)
            self.told(result)

    async def _one(self, row: Row, number: int) -> Result:
        assert self._expected is not None
        folder = self.choice.folder / f"{row.name.replace(':', '-')}-{number}"
        try:
            run = await self._play(row, number, folder)
        except Exception as error:
            # Whatever ends a run, the others go on.
            said = f"{type(error).__name__}: {error}"
            return Result(row=row.name, number=number, findings=(), error=said)
        findings = tuple(compare(self._expected, run.outcome))
        if not findings:
            shutil.rmtree(folder, ignore_errors=True)
        return Result(row=row.name, number=number, findings=findings, run=run)

    async def _play(self, row: Row, number: int, folder: Path) -> Run:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        rng = random.Random(f"{self.choice.seed} {row.name} {number}")
        async with contextlib.AsyncExitStack() as stack:
            brokers, proxy = await self._brokers(row, folder, stack)
            receiver = await stack.enter_async_context(ChatReceiver(max_messages=_MESSAGES))
            stand = Stand(
                brokers=brokers,
                nursery=self.nursery,
                folder=folder,
                webhook=receiver.url,
                bootstrap=brokers.bootstrap,
                workers_bootstrap=proxy.address if proxy else brokers.bootstrap,
                cold=self.choice.cold,
            )
            await stack.enter_async_context(_ending(stand))
            workers = row.workers[number % len(row.workers)]
            await stand.start_workers(workers, die_at=_moment(row, rng))
            plan = Plan(rng=rng, scale=self.choice.scale, proxy=proxy)
            return await play(stand, receiver, self.storm, lambda s: row.strike(s, plan))

    async def _brokers(
        self, row: Row, folder: Path, stack: contextlib.AsyncExitStack
    ) -> tuple[Brokers, Proxy | None]:
        if self.choice.cluster == "apache":
            brokers: Brokers = ApacheBrokers(folder, row.nodes)
        else:
            host = BROKER_HOST if row.proxied else "127.0.0.1"
            brokers = EmbeddedBrokers(self.nursery, folder, host)
        stack.push_async_callback(brokers.stop)
        await brokers.start()
        if not row.proxied:
            return brokers, None
        port = int(brokers.bootstrap.rpartition(":")[2])
        return brokers, await stack.enter_async_context(Proxy(port))


def _moment(row: Row, rng: random.Random) -> str:
    """Draw at which of the times that it comes there a worker dies; it is rebalanced once."""
    if not row.die_at:
        return "never"
    once = row.die_at.partition(".")[2] in REBALANCING
    return f"{row.die_at}:{1 if once else rng.randint(1, 4)}"


@contextlib.asynccontextmanager
async def _ending(stand: Stand) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await asyncio.gather(*(worker.kill() for worker in stand.running))


def possible(rows: Sequence[Row], cluster: str) -> tuple[list[Row], dict[str, str]]:
    """Tell rows that can be run on a kind of cluster from those that cannot, with the reason."""
    reasons: dict[str, str] = {}
    for row in rows:
        if cluster != "apache" and row.nodes > 1:
            reasons[row.name] = "takes three brokers: run it with --cluster apache"
        if cluster == "apache" and row.proxied:
            reasons[row.name] = "the proxy stands before the embedded broker"
        if cluster == "apache" and row.embedded:
            reasons[row.name] = "is about the embedded broker"
    return [row for row in rows if row.name not in reasons], reasons
