"""Faults of volumes: full, slow, limited."""

from models.simulator import victims_store
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.volume import Volume
from models.simulator.world import World


def _stores(world: World) -> list[str]:
    return [*victims_store.written_databases(world), *victims_store.used_brokers(world)]


def _volume(injection: Injection) -> Volume:
    world, name = injection.world, injection.target
    if name in world.databases:
        return world.databases[name].volume
    return world.brokers[name].volume


def _fill(injection: Injection) -> Injected:
    """Let a volume be filled by something that is not the store's own log."""
    volume = _volume(injection)
    volume.set_used(0.86)
    volume.fill(0.14 / injection.rng.uniform(20.0, 60.0))
    return Injected(undo=lambda: volume.set_used(0.4))


def _slow(injection: Injection) -> Injected:
    """Let each operation of a volume take very long."""
    volume = _volume(injection)
    volume.slowness = injection.rng.uniform(400.0, 1100.0)

    def undo() -> None:
        volume.slowness = 1.0

    return Injected(undo=undo)


def _limit(injection: Injection) -> Injected:
    """Let a volume have used up its burst: fewer operations a second than are wanted."""
    volume = _volume(injection)
    wanted = volume.operations / injection.world.env.now
    volume.limit = max(0.2, injection.rng.uniform(0.4, 0.7) * wanted)

    def undo() -> None:
        volume.limit = 0.0

    return Injected(undo=undo)


STORAGE_FAULTS = (
    FaultSpec(
        name="volume_full",
        pattern="storage.pv_full",
        description="the volume of a store fills up",
        kinds=("database", "queue"),
        eligible=_stores,
        inject=_fill,
    ),
    FaultSpec(
        name="volume_slow",
        pattern="storage.pv_io_latency",
        description="each operation on a store's volume takes long",
        kinds=("database", "queue"),
        eligible=_stores,
        inject=_slow,
    ),
    FaultSpec(
        name="volume_limited",
        pattern="storage.iops_throttle",
        description="a volume lets fewer operations a second through than are wanted",
        kinds=("database",),
        eligible=victims_store.written_databases,
        inject=_limit,
    ),
)
