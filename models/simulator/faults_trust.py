"""Faults of trust between services: chains that cannot be verified, authorities that changed."""

from models.simulator import victims, victims_store
from models.simulator.fault_spec import FaultSpec, Injected, Injection

RUNTIMES = ("jvm", "go", "python", "node")


def _break_chain(injection: Injection) -> Injected:
    """Let a new certificate come without the one between: some runtimes cannot verify it."""
    world, rng = injection.world, injection.rng
    service = world.services[injection.target]
    callers = victims_store.callers_of(world, injection.target)
    share: dict[str, float] = {world.services[name].spec.runtime: 1.0 for name in callers}
    service.mistrusted = dict(share)
    days = rng.uniform(80.0, 90.0)
    now_seconds = world.config.start_ms / 1000.0 + world.env.now
    service.certificate_expires_at = now_seconds + days * 86_400.0
    title = f"{service.name}: renew certificate"
    injection.changes.add("config", service.name, world.env.now, title)

    def undo() -> None:
        service.mistrusted = {}

    return Injected(undo=undo)


def _change_authority(injection: Injection) -> Injected:
    """Let a service's certificate come from an authority that not all pods know yet."""
    world, service = injection.world, injection.world.services[injection.target]
    share = injection.rng.uniform(0.4, 0.7)
    service.mistrusted = dict.fromkeys(RUNTIMES, share)
    if injection.rng.random() < 0.5:
        title = f"{service.name}: issue certificates anew"
        injection.changes.add("config", service.name, world.env.now, title)

    def undo() -> None:
        service.mistrusted = {}

    return Injected(undo=undo, details={"share": f"{share:.2f}"})


TRUST_FAULTS = (
    FaultSpec(
        name="chain_broken",
        pattern="security.cert_chain_invalid",
        description="callers cannot verify a service's new certificate",
        kinds=("service",),
        eligible=victims.hosts_with_tls,
        inject=_break_chain,
    ),
    FaultSpec(
        name="authority_changed",
        pattern="security.ca_rotation",
        description="part of the callers' pods does not know a certificate's authority yet",
        kinds=("service",),
        eligible=victims.hosts_with_tls,
        inject=_change_authority,
    ),
)
