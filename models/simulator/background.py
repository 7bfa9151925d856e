"""Innocent changes that happen in every run: rollouts, flags, settings, jobs."""

import random
from collections.abc import Callable, Generator
from typing import Any

from simpy.events import Event, Timeout

from models.simulator.changes import ChangeLog, next_version
from models.simulator.kernel import Task
from models.simulator.world import World

MEAN_SECONDS = 280.0
TITLES = {
    "flag": ("enable new banner for 5 % of users", "turn on dark mode", "raise log sampling"),
    "config": ("raise log level to warn", "add allowed origin", "rotate dashboard token"),
    "scale": ("set minimum replicas to 2", "raise surge limit of rollouts"),
    "migration": ("add nullable column note", "add index on created_at"),
    "job": ("run nightly export", "refresh search synonyms"),
}


class BackgroundChanges:
    """Draws innocent changes; `spared` names what must not be rolled out just now."""

    def __init__(
        self, world: World, log: ChangeLog, rng: random.Random, spared: Callable[[], str]
    ) -> None:
        self._world = world
        self._log = log
        self._rng = rng
        self._spared = spared

    def start(self) -> None:
        """Begin."""
        Task(self._happen(), Timeout(self._world.env, 20.0))

    def _happen(self) -> Generator[Event, Any, None]:
        env, rng = self._world.env, self._rng
        names = list(self._world.services)
        while True:
            yield Timeout(env, rng.expovariate(1.0 / MEAN_SECONDS))
            name = rng.choice(names)
            if rng.random() < 0.5:
                if name != self._spared():
                    self._roll_out(name)
            else:
                kind = rng.choice(sorted(TITLES))
                self._log.add(kind, name, env.now, f"{name}: {rng.choice(TITLES[kind])}")

    def _roll_out(self, name: str) -> None:
        world = self._world
        service = world.services[name]
        version = next_version(service.version, self._rng)
        self._log.add("deploy", name, world.env.now, f"roll out {name} {version}", version)
        Task(world.cluster.roll_out(service, version), Timeout(world.env, 1.0))
