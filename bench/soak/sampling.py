"""Watches processes and lag while a soak runs: resident memory, processor time, /metrics."""

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

_LAG = "rootline_consumer_lag_messages"
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGESIZE")


@dataclass(slots=True)
class Sample:
    """One look at everything; `memory` and `cpu` by process, `lag` by topic."""

    at: float
    memory: dict[str, int] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    lag: dict[str, float] = field(default_factory=dict)
    behind: float = 0.0
    open_incidents: float = 0.0
    live: bool = True


class Sampler:
    """Takes a sample every `pause` seconds until cancelled."""

    def __init__(self, pids: Mapping[str, int], health: Mapping[str, str], pause: float) -> None:
        self._pids = pids
        self._health = health
        self._pause = pause
        self._began = time.monotonic()
        self.samples: list[Sample] = []

    @property
    def now(self) -> float:
        return time.monotonic() - self._began

    async def run(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            while True:
                self.samples.append(await self._sample(http))
                await asyncio.sleep(self._pause)

    async def _sample(self, http: aiohttp.ClientSession) -> Sample:
        sample = Sample(at=round(self.now, 1))
        for name, pid in self._pids.items():
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                sample.memory[name] = int(fields[21]) * _PAGE
                sample.cpu[name] = (int(fields[11]) + int(fields[12])) / _TICK
        for url in self._health.values():
            try:
                async with http.get(f"{url}/metrics") as answer:
                    _read(await answer.text(), sample)
                async with http.get(f"{url}/healthz") as answer:
                    sample.live = sample.live and answer.status == 200
            except (aiohttp.ClientError, TimeoutError):
                sample.live = False
        return sample


def _read(text: str, sample: Sample) -> None:
    for family in text_string_to_metric_families(text):
        for each in family.samples:
            if each.name == _LAG:
                topic = each.labels["topic"]
                sample.lag[topic] = sample.lag.get(topic, 0.0) + each.value
            elif each.name == "rootline_consumer_behind_seconds":
                sample.behind = max(sample.behind, each.value)
            elif each.name == "rootline_incidents_open":
                sample.open_incidents += each.value
