"""Faults of what people change: versions, flags, settings, migrations."""

from collections.abc import Callable, Generator
from typing import Any

from simpy.events import Event, Timeout

from models.simulator import victims
from models.simulator.changes import next_version
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.kernel import Task
from models.simulator.service import Service
from models.simulator.trouble_code import Throw
from models.simulator.trouble_runtime import Burden
from models.simulator.workload import restart_all, start_again

Inject = Callable[[Injection], Injected]


def _deployed(injection: Injection) -> str:
    """Announce the next version of the victim."""
    world, service = injection.world, injection.world.services[injection.target]
    version = next_version(service.version, injection.rng)
    title = f"roll out {service.name} {version}"
    injection.changes.add("deploy", service.name, world.env.now, title, version)
    return version


def _try_on_one(injection: Injection) -> Injected:
    """Put a failing version on one pod only."""
    world, service = injection.world, injection.world.services[injection.target]
    version, usual = _deployed(injection), service.version
    service.faulty_version, service.error_ratio = version, injection.rng.uniform(0.6, 0.98)
    world.cluster.remove(service.pods[0])
    service.version = version
    pod = world.cluster.create(service, world.cluster.suffix(9))
    service.version = usual
    start_again(world, pod, 1.0)
    return Injected(undo=lambda: _forget(service), details={"version": version})


def _forget(service: Service) -> None:
    service.error_ratio, service.slowness, service.faulty_version = 0.0, 1.0, ""


def _back_and_forth(injection: Injection) -> Injected:
    """Roll a failing version out, back, and out again."""
    world, service = injection.world, injection.world.services[injection.target]
    versions = [next_version(service.version, injection.rng), service.version]
    service.faulty_version, service.error_ratio = versions[0], injection.rng.uniform(0.5, 0.95)
    going = [True]

    def roll() -> Generator[Event, Any, None]:
        while going[0]:
            for version in versions:
                title = f"roll out {service.name} {version}"
                injection.changes.add("deploy", service.name, world.env.now, title, version)
                yield from world.cluster.roll_out(service, version)
                yield Timeout(world.env, injection.rng.uniform(12.0, 30.0))

    def undo() -> None:
        going[0] = False
        _forget(service)

    Task(roll(), Timeout(world.env, 0.5))
    return Injected(undo=undo, details={"version": versions[0]})


def _without_setting(injection: Injection) -> Injected:
    """Roll out a version whose program ends at once since a setting is not there."""
    world, service = injection.world, injection.world.services[injection.target]
    version = _deployed(injection)
    service.version = version
    service.crash_after = injection.rng.uniform(0.6, 1.5)
    restart_all(world, service)

    def undo() -> None:
        service.crash_after = None

    return Injected(undo=undo, details={"version": version})


def _failing(kind: str, title: str) -> Inject:
    """Return an injector of a change after which some requests fail at once."""

    def inject(injection: Injection) -> Injected:
        world, rng = injection.world, injection.rng
        service = world.services[injection.target]
        endpoint = rng.choice(victims.endpoints_used(world, service.name))
        service.trouble = Throw(rng=rng, share=rng.uniform(0.25, 0.8), endpoint=endpoint)
        injection.changes.add(kind, service.name, world.env.now, f"{service.name}: {title}")

        def undo() -> None:
            service.trouble = None

        return Injected(undo=undo, details={"change": kind})

    return inject


def _log_everything(injection: Injection) -> Injected:
    """Let the service log everything: each request writes megabytes before it goes on."""
    world, service = injection.world, injection.world.services[injection.target]
    rate = victims.request_rate(world, service.name)
    service.trouble = Burden(
        rng=injection.rng,
        seconds=min(0.5, injection.rng.uniform(0.9, 1.3) / rate),
        logged_mb=injection.rng.uniform(9.0, 30.0) / rate,
    )
    title = f"{service.name}: set log level"
    injection.changes.add("config", service.name, world.env.now, title)

    def undo() -> None:
        service.trouble = None

    return Injected(undo=undo)


def _migrate(injection: Injection) -> Injected:
    """Let a migration hold the lock of a table that requests need."""
    world, database = injection.world, injection.world.databases[injection.target]
    statement = injection.rng.choice(victims.statements_of(world, injection.target))
    database.lock(statement, injection.rng.uniform(2.0, 5.0))
    title = f"{injection.target}: alter table {statement.split(' ', 1)[1]}"
    injection.changes.add("migration", injection.target, world.env.now, title)
    return Injected(
        undo=lambda: database.unlock(statement),
        details={"statement": statement},
        flavour=database.spec.engine,
    )


def _spec(
    name: str, pattern: str, description: str, inject: Inject, kind: str = "service"
) -> FaultSpec:
    return FaultSpec(
        name=name,
        pattern=f"config_deploy.{pattern}",
        description=description,
        kinds=(kind,),
        eligible=victims.called_services if kind == "service" else victims.databases,
        inject=inject,
    )


DEPLOY_FAULTS = (
    _spec(
        "bad_canary", "canary_regression", "one pod of a new version fails its share", _try_on_one
    ),
    _spec(
        "back_and_forth",
        "rollback_loop",
        "a failing version is rolled out, back and out again",
        _back_and_forth,
    ),
    _spec(
        "setting_absent",
        "missing_env",
        "a new version ends at once since a setting is not there",
        _without_setting,
    ),
    _spec(
        "bad_flag",
        "flag_bad",
        "a flag switches on a path that fails",
        _failing("flag", "turn on next step"),
    ),
    _spec(
        "bad_setting",
        "app_misconfig",
        "a setting makes some requests fail",
        _failing("config", "update settings"),
    ),
    _spec(
        "verbose_logs",
        "debug_log_flood",
        "a service logs everything and has no time left for requests",
        _log_everything,
    ),
    _spec(
        "locking_migration",
        "migration_lock",
        "a migration holds a table that requests need",
        _migrate,
        kind="database",
    ),
)
