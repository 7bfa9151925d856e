"""Scraping: each target at its own phase of the interval, as Prometheus spreads them."""

import random
from collections.abc import Callable, Generator
from typing import Any

from numpy.typing import NDArray
from simpy import Environment
from simpy.events import Event, Timeout

from models.simulator.kernel import Task
from models.simulator.series import Metric, SeriesStore

LAST_PHASE_SHARE = 0.9
"""Targets are scraped in the first part of an interval; rules are evaluated after it."""


class Scraper:
    """Reads the targets' metrics into a store while the simulation runs."""

    def __init__(self, env: Environment, store: SeriesStore, rng: random.Random) -> None:
        self._env = env
        self._store = store
        self._rng = rng

    def attach(
        self,
        labels: dict[str, str],
        metrics: list[Metric],
        *,
        alive: Callable[[], bool],
        exists: Callable[[], bool],
    ) -> None:
        """Scrape a target from now on: down when not `alive`, forgotten when it stops to exist."""
        interval = self._store.interval
        phase = round(self._rng.random() * interval * LAST_PHASE_SHARE, 3)
        rows = [
            (
                metric,
                self._store.add(
                    metric.name, {**labels, **metric.labels}, phase, exported=metric.exported
                ),
            )
            for metric in metrics
        ]
        up = self._store.add("up", labels, phase)
        now = self._env.now
        first = int(-(-(now - phase) // interval)) if now > phase else 0
        target = self._scrape(rows, up, first, (alive, exists))
        Task(target, Timeout(self._env, first * interval + phase - now))

    def _scrape(
        self,
        rows: list[tuple[Metric, NDArray[Any]]],
        up: NDArray[Any],
        tick: int,
        state: tuple[Callable[[], bool], Callable[[], bool]],
    ) -> Generator[Event, Any, None]:
        alive, exists = state
        while tick < self._store.ticks and exists():
            answers = alive()
            up[tick] = float(answers)
            if answers:
                for metric, values in rows:
                    values[tick] = metric.read()
            tick += 1
            yield Timeout(self._env, self._store.interval)
