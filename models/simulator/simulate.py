"""Simulates one run and returns all that its environment sent, with the truth beside it."""

import random
from collections.abc import Callable
from dataclasses import asdict

from models.simulator.alert_rules import RULES
from models.simulator.alerting import evaluate
from models.simulator.alertmanager import notify
from models.simulator.background import BackgroundChanges
from models.simulator.changes import ChangeLog
from models.simulator.collect import Collection
from models.simulator.collect_wires import WireCollection
from models.simulator.config import SimulationConfig
from models.simulator.fault_spec import Injected, Injection
from models.simulator.faults import FAULTS, HEALTHY
from models.simulator.noise import Noise
from models.simulator.promql import Query
from models.simulator.recording_rules import record
from models.simulator.scrape import Scraper
from models.simulator.series import SeriesStore
from models.simulator.topology import Topology
from models.simulator.topology_bank import BANK
from models.simulator.topology_random import random_topology
from models.simulator.topology_shop import SHOP
from models.simulator.world import World
from schemas.recording import Fault, Recording

SIMULATOR_VERSION = 2
SLICES = 50
TOPOLOGIES = ("shop", "bank", "random")
NAMED = {"shop": SHOP, "bank": BANK}
SIZED_TOPOLOGIES = ("random-30", "random-100", "random-200")
"""Random ones of a given size; any number of components from 10 to 200 will do."""


def is_topology(name: str) -> bool:
    """Tell whether `simulate` knows a topology of this name.

    >>> is_topology("shop"), is_topology("random-40"), is_topology("random-4000")
    (True, True, False)
    """
    kind, _, size = name.partition("-")
    sized = kind == "random" and size.isdecimal() and 10 <= int(size) <= 200
    return name in TOPOLOGIES or sized


def simulate(
    fault: str,
    *,
    seed: int,
    topology: str = "shop",
    config: SimulationConfig = SimulationConfig(),  # noqa: B008 - frozen, so safe to share
    progress: Callable[[float], None] | None = None,
) -> Recording:
    """Simulate one run; the same arguments give the same recording.

    Args:
        fault: a name in FAULTS, or "none" for a run in which nothing goes wrong.
        seed: draws everything that is drawn: victim, onset, traffic, names, noise.
        topology: a named one, "random" for one that the seed draws, or "random-100" for one of
            so many components.
        config: length, load and observation.
        progress: is called with the share that is done, now and then.
    """
    if fault != HEALTHY and fault not in FAULTS:
        known = ", ".join([HEALTHY, *FAULTS])
        msg = f"there is no fault {fault!r}; choose one of {known}"
        raise ValueError(msg)
    run = _Run(_topology(topology, seed), config, seed)
    truth = run.play(fault, progress)
    provenance = {
        "kind": "simulated",
        "simulator_version": SIMULATOR_VERSION,
        "fault": fault,
        "seed": seed,
        "topology": topology,
        "config": asdict(config),
    }
    return run.recording(truth, provenance)


def _topology(name: str, seed: int) -> Topology:
    if name in NAMED:
        return NAMED[name]
    if name == "random":
        return random_topology(random.Random(f"{seed}:topology"))
    kind, _, size = name.partition("-")
    if kind == "random" and size.isdecimal():
        return random_topology(random.Random(f"{seed}:topology"), int(size))
    msg = f"there is no topology {name!r}; choose one of {', '.join(TOPOLOGIES)}"
    raise ValueError(msg)


class _Run:
    """One simulation from the building of its world to its recording."""

    def __init__(self, topology: Topology, config: SimulationConfig, seed: int) -> None:
        self._config = config
        self._seed = seed
        self._end = config.duration_seconds
        self._world = World(topology, config, seed)
        self._store = SeriesStore(
            start_ms=config.start_ms,
            ticks=int(self._end // config.scrape_seconds),
            interval=config.scrape_seconds,
        )
        self._changes = ChangeLog(config.start_ms, self._random("changes"))
        self._victim = ""

    def play(self, fault: str, progress: Callable[[float], None] | None) -> tuple[Fault, ...]:
        """Run warm-up, storm and recovery; return the truth."""
        self._attach()
        config = self._config
        if fault == HEALTHY:
            self._advance(self._end, progress)
            return ()
        rng = self._random(f"fault:{fault}")
        onset = config.warmup_seconds + rng.uniform(0.0, config.onset_share) * config.storm_seconds
        self._advance(onset, progress)
        injected = self._inject(fault, rng)
        until = config.warmup_seconds + config.storm_seconds
        self._advance(until, progress)
        if config.recovery_seconds:
            injected.undo()
            self._advance(self._end, progress)
        return (
            Fault(
                component=self._victim,
                pattern=FAULTS[fault].pattern_of(injected.flavour),
                start_ms=config.start_ms + round(onset * 1000),
                end_ms=config.start_ms + round(until * 1000),
                details={"fault": fault, **injected.details},
            ),
        )

    def recording(self, truth: tuple[Fault, ...], provenance: dict[str, object]) -> Recording:
        """Turn what was collected into a recording."""
        config, store = self._config, self._store
        record(Query(store), store)
        alerts = []
        end_ms = config.start_ms + round(self._end * 1000)
        if config.alerts:
            firings = evaluate(
                RULES, Query(store), start_ms=config.start_ms, interval=store.interval
            )
            alerts = notify(firings, end_ms)
        return Recording(
            environment=config.environment,
            start_ms=config.start_ms,
            end_ms=end_ms,
            resolution_seconds=float(store.interval),
            provenance=provenance,
            alerts=tuple(alerts),
            changes=self._changes.messages() if config.changes else (),
            metrics=store.batch() if config.metrics else None,
            spans=self._world.runtime.recorder.batch(config.start_ms) if config.spans else None,
            truth=truth,
        )

    def _attach(self) -> None:
        world, config = self._world, self._config
        dates = self._random("certificates")
        for service in world.services.values():
            days = dates.uniform(25.0, 300.0)
            service.certificate_expires_at = config.start_ms / 1000.0 + days * 86_400.0
        scraper = Scraper(world.env, self._store, self._random("scrape"))
        collection = Collection(world, scraper, self._random("probes"))
        collection.attach()
        wires = Scraper(world.env, self._store, self._random("scrape:wires"))
        WireCollection(world, wires).attach()
        if config.noise_alerts:
            Noise(world, scraper, config, self._random("noise")).attach()
        world.start()
        collection.jobs()
        collection.states()
        if config.background_changes:
            background = self._random("background")
            BackgroundChanges(world, self._changes, background, lambda: self._victim).start()

    def _inject(self, fault: str, rng: random.Random) -> Injected:
        spec = FAULTS[fault]
        eligible = sorted(spec.eligible(self._world))
        target = self._config.target
        if target is not None and target not in eligible:
            known = ", ".join(eligible) or "nothing"
            msg = f"{fault} cannot hit {target!r} here; it can hit {known}"
            raise ValueError(msg)
        if not eligible:
            msg = f"topology {self._world.topology.name} has nothing that {fault} can hit"
            raise ValueError(msg)
        self._victim = target or rng.choice(eligible)
        return spec.inject(
            Injection(world=self._world, target=self._victim, rng=rng, changes=self._changes)
        )

    def _advance(self, until: float, progress: Callable[[float], None] | None) -> None:
        env = self._world.env
        step = self._end / SLICES
        while env.now < until:
            env.run(until=min(until, env.now + step))
            if progress is not None:
                progress(env.now / self._end)

    def _random(self, purpose: str) -> random.Random:
        return random.Random(f"{self._seed}:{purpose}")
