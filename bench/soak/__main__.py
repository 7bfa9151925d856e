"""`make soak`: storms of 100,000 alerts in 60 s with telemetry running, then quiet, repeated.

Every alert is numbered; at the end each must be in exactly one place, the lag must have drained
after every storm, and no process may need more memory from cycle to cycle.
"""

import argparse
import asyncio
import contextlib
import heapq
import shutil
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson

from bench.soak import load, picture, telemetry
from bench.soak.ledger import Ledger
from bench.soak.playing import Playing, Reading
from bench.soak.report import Cycle, Result
from bench.soak.sampling import Sample, Sampler
from bench.soak.stand import Stand, start

_LINKED = {"linked-1": 101, "linked-2": 202}
_UNLINKED = tuple(f"unlinked-{number}" for number in range(1, 7))
_LEAD_SECONDS = 5
_RESOLVE_AFTER_SECONDS = 20
_DRAIN_POLL_SECONDS = 1.0


class Soak:
    """One run of the whole."""

    def __init__(self, arguments: argparse.Namespace, stand: Stand) -> None:
        self._arguments = arguments
        self._stand = stand
        self._ledger = Ledger()
        self._sampler = Sampler(stand.pids, stand.health, arguments.sample_seconds)
        self._cycles: list[Cycle] = []
        # Spawned, not forked: this process has threads and an event loop.
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    async def run(self) -> Result:
        takers = {"incidents": self._ledger.incident, "unassigned": self._ledger.unassigned}
        beside = [
            asyncio.create_task(self._sampler.run()),
            asyncio.create_task(Reading(self._stand.bootstrap, takers).run()),
        ]
        try:
            async with Playing(self._stand.bootstrap) as playing:
                await self._play(playing)
            await self._settle()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            self._pool.shutdown(wait=False, cancel_futures=True)
        return self._result()

    async def _play(self, playing: Playing) -> None:
        arguments = self._arguments
        plan = await self._plan()
        ends = time.monotonic() + arguments.minutes * 60
        number = 0
        prepared = self._prepare(plan, number, time.time() + _LEAD_SECONDS + 20)
        while number == 0 or time.monotonic() + arguments.cycle_seconds <= ends:
            starts, timetable = await prepared
            cycle = Cycle(
                number=number + 1,
                began=self._sampler.now + (starts - time.time()) + telemetry.WARMUP_SECONDS,
                storm_ended=0.0,
                drained=None,
                sent=plan.alerts,
                late_ms=0,
            )
            cycle.storm_ended = cycle.began + plan.storm_seconds
            self._cycles.append(cycle)
            number += 1
            prepared = self._prepare(plan, number, starts + arguments.cycle_seconds)
            watching = asyncio.create_task(self._watch_drain(cycle))
            await playing.play(timetable)
            cycle.late_ms = playing.latest_ms
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            self._say(cycle)
        with contextlib.suppress(asyncio.CancelledError):
            prepared.cancel()

    def _prepare(self, plan: load.Plan, number: int, starts: float) -> "asyncio.Task[Any]":
        async def prepare() -> tuple[float, list[tuple[int, str, bytes]]]:
            loop = asyncio.get_running_loop()
            arguments = self._arguments
            start_ms = round(starts * 1000)
            jobs = [
                loop.run_in_executor(
                    self._pool,
                    telemetry.messages,
                    name,
                    seed,
                    start_ms,
                    arguments.cycle_seconds,
                    arguments.rate,
                    arguments.topology,
                )
                for name, seed in _LINKED.items()
            ]
            streams: list[Iterable[tuple[int, str, bytes]]] = list(await asyncio.gather(*jobs))
            storm_ms = start_ms + telemetry.WARMUP_SECONDS * 1000
            resolve_ms = round(storm_ms + (plan.storm_seconds + _RESOLVE_AFTER_SECONDS) * 1000)
            fires = load.firing(plan, number, storm_ms)
            ends = load.resolving(plan, number, storm_ms, resolve_ms)
            streams += [[(at, "alerts", value) for at, value in part] for part in (fires, ends)]
            return starts, list(heapq.merge(*streams, key=lambda row: row[0]))

        return asyncio.create_task(prepare())

    async def _plan(self) -> load.Plan:
        loop = asyncio.get_running_loop()
        found = [
            await loop.run_in_executor(
                self._pool, telemetry.services, name, seed, self._arguments.topology
            )
            for name, seed in _LINKED.items()
        ]
        return load.Plan(
            alerts=self._arguments.alerts,
            storm_seconds=self._arguments.storm_seconds,
            linked=dict(zip(_LINKED, found, strict=True)),
            unlinked=_UNLINKED,
        )

    async def _watch_drain(self, cycle: Cycle) -> None:
        """Note when nothing of the storm waits any more: it, its effects, not the telemetry."""
        while True:
            await asyncio.sleep(_DRAIN_POLL_SECONDS)
            last = self._sampler.samples[-1] if self._sampler.samples else None
            past = last is not None and last.at > cycle.storm_ended + 2
            if past and last is not None and self._backlog(last) < self._arguments.drained_below:
                cycle.drained = last.at
                return

    def _backlog(self, sample: Sample) -> float:
        return sample.lag.get("alerts", 0.0) + sample.lag.get("signals", 0.0)

    async def _settle(self) -> None:
        """Wait until every alert has a place, for as long as windows may stay open."""
        deadline = time.monotonic() + self._arguments.settle_seconds
        while time.monotonic() < deadline:
            self._balance()
            if all(c.account is not None and not c.account.lost for c in self._cycles):
                break
            await asyncio.sleep(10)
        await asyncio.sleep(5)
        self._balance()

    def _balance(self) -> None:
        for cycle in self._cycles:
            index = cycle.number - 1
            numbers = (load.fingerprint(index, n) for n in range(cycle.sent))
            cycle.account = self._ledger.account(index, numbers)

    def _say(self, cycle: Cycle) -> None:
        last = self._sampler.samples[-1]
        memory = {name: f"{used / 2**20:.0f}" for name, used in sorted(last.memory.items())}
        drained = "-" if cycle.drained is None else f"{cycle.drained - cycle.began:.0f} s"
        print(
            f"cycle {cycle.number}: {cycle.sent} alerts, drained after {drained}, "
            f"memory {memory} MB, lag {dict(sorted(last.lag.items()))}, "
            f"sent at most {cycle.late_ms} ms late",
            flush=True,
        )

    def _left(self, last: Sample) -> float:
        waiting = self._backlog(last)
        return waiting if waiting >= self._arguments.drained_below else 0.0

    def _result(self) -> Result:
        samples = self._sampler.samples
        for index, cycle in enumerate(self._cycles):
            later = self._cycles[index + 1 :]
            until = later[0].began if later else float("inf")
            own = [s for s in samples if cycle.began <= s.at < until]
            cycle.peak_lag = max((self._backlog(s) for s in own), default=0.0)
            names = {name for s in own for name in s.memory}
            cycle.peak_memory = {n: max(s.memory.get(n, 0) for s in own) for n in sorted(names)}
        return Result(
            settings={k: str(v) for k, v in sorted(vars(self._arguments).items())},
            cycles=self._cycles,
            samples=samples,
            revisions=self._ledger.revisions,
            contradictions=self._ledger.contradictions,
            unlive_samples=sum(not sample.live for sample in samples),
            left=self._left(samples[-1]),
        )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, default=60.0, help="how long storms are begun")
    add("--alerts", type=int, default=100_000, help="alerts of a storm")
    add("--storm-seconds", type=float, default=60.0, help="length of a storm")
    add("--cycle-seconds", type=float, default=300.0, help="from one storm to the next")
    add("--rate", type=float, default=5.0, help="user requests a second of each simulated system")
    add("--topology", default="random-100", help="the simulated systems, for example random-30")
    add("--workers", type=int, default=2, help="worker processes")
    add("--settle-seconds", type=float, default=900.0, help="longest wait for the last windows")
    add("--sample-seconds", type=float, default=2.0, help="pause between two looks")
    add("--drained-below", type=float, default=20.0, help="records that count as no backlog")
    add("--out", type=Path, default=Path("build/soak"), help="folder for the results and logs")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the workers")
    arguments = parser.parse_args()
    least = telemetry.WARMUP_SECONDS + 2 * arguments.storm_seconds + _RESOLVE_AFTER_SECONDS
    if arguments.cycle_seconds < least:
        parser.error(f"--cycle-seconds must be at least {least:.0f}: warm-up, storm, its end")
    return arguments


async def soak(arguments: argparse.Namespace) -> Result:
    settings = {f"ROOTLINE_{k}": v for k, v in (text.split("=", 1) for text in arguments.set)}
    async with AsyncExitStack() as stack:
        stand = await start(stack, arguments.out.resolve(), arguments.workers, settings)
        return await Soak(arguments, stand).run()


def main() -> int:
    arguments = parsed()
    shutil.rmtree(arguments.out, ignore_errors=True)
    arguments.out.mkdir(parents=True)
    result = asyncio.run(soak(arguments))
    shutil.rmtree(arguments.out / "broker", ignore_errors=True)
    (arguments.out / "soak.json").write_bytes(
        orjson.dumps(result.as_json(), option=orjson.OPT_INDENT_2)
    )
    (arguments.out / "soak.svg").write_text(picture.draw(result.samples, result.cycles))
    result.show()
    print(f"written: {arguments.out}/soak.json, soak.svg")
    return 1 if result.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
