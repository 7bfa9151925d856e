"""Faults between components, and of the machines under them."""

from models.simulator import victims
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.topology import PolicySpec
from models.simulator.world import World


def _delay(injection: Injection) -> Injected:
    """Delay every packet from and to a service."""
    link = injection.world.services[injection.target].link
    seconds = injection.rng.uniform(0.25, 0.9)
    link.impair(delay_seconds=seconds)
    return Injected(undo=link.impair, details={"delay_ms": f"{1000 * seconds:.0f}"})


def _lose(injection: Injection) -> Injected:
    """Lose a share of the packets from and to a service."""
    link = injection.world.services[injection.target].link
    loss = injection.rng.uniform(0.12, 0.35)
    link.impair(loss=loss)
    return Injected(undo=link.impair, details={"loss": f"{loss:.2f}"})


def _storm(injection: Injection) -> Injected:
    """Set a caller's timeout below what its callee needs, with many immediate retries."""
    callee, mean = _busiest_callee(injection.world, injection.target)
    policy = PolicySpec(
        timeout_seconds=round(max(0.002, injection.rng.uniform(0.45, 0.65) * mean), 4),
        retries=injection.rng.randrange(5, 11),
        backoff_seconds=0.0,
    )
    return _change_policy(injection, callee, policy, chance=0.6)


def _cut_timeout(injection: Injection) -> Injected:
    """Set a caller's timeout below what its callee needs."""
    callee, mean = _busiest_callee(injection.world, injection.target)
    policy = PolicySpec(timeout_seconds=round(max(0.002, 0.75 * mean), 4), retries=0)
    return _change_policy(injection, callee, policy, chance=1.0)


def _busiest_callee(world: World, caller: str) -> tuple[str, float]:
    """Return the service on which a caller spends most time, and its mean duration."""
    rows = [
        (victims.calls_made(world, caller, peer), victims.mean_seconds(world, caller, peer), peer)
        for peer in sorted(world.services[caller].needed)
    ]
    _, mean, peer = max(rows, key=lambda row: (row[0] * row[1], row[2]))
    return peer, mean


def _change_policy(
    injection: Injection, callee: str, policy: PolicySpec, *, chance: float
) -> Injected:
    world = injection.world
    edge = world.services[injection.target].edges[callee]
    timer = world.runtime.deadlines
    before = PolicySpec(
        timeout_seconds=edge.timeout_seconds,
        retries=edge.retries,
        backoff_seconds=edge.backoff_seconds,
    )
    edge.change(policy, timer(policy.timeout_seconds))
    if injection.rng.random() < chance:
        title = f"{injection.target}: tune client settings for {callee}"
        injection.changes.add("config", injection.target, world.env.now, title)

    def undo() -> None:
        edge.change(before, timer(before.timeout_seconds))

    return Injected(undo=undo, details={"callee": callee})


def _expire_certificate(injection: Injection) -> Injected:
    """Let the certificate of a service end now."""
    service = injection.world.services[injection.target]
    before = service.certificate_expires_at
    service.certificate_expired = True
    now_ms = injection.world.config.start_ms + injection.world.env.now * 1000.0
    service.certificate_expires_at = now_ms / 1000.0

    def undo() -> None:
        service.certificate_expired = False
        service.certificate_expires_at = before + 90 * 86_400.0

    return Injected(undo=undo)


def _press_node(injection: Injection) -> Injected:
    """Let something outside the containers take a machine's processor or disk."""
    world, node = injection.world, injection.world.nodes[injection.target]
    way = injection.rng.choice(("cpu", "disk"))
    if way == "cpu":
        node.settle(world.env.now)
        node.cpu.burn(node.spec.cores * injection.rng.uniform(14.0, 40.0), world.env.now)
    else:
        node.settle(world.env.now)
        node.disk_busy = injection.rng.uniform(0.95, 1.0)
        node.cpu.io_stretch = injection.rng.uniform(60.0, 160.0)

    def undo() -> None:
        node.settle(world.env.now)
        node.cpu.burn(0.0, world.env.now)
        node.disk_busy, node.cpu.io_stretch = 0.04, 1.0

    return Injected(undo=undo, details={"way": way}, flavour=way)


NETWORK_FAULTS = (
    FaultSpec(
        name="network_delay",
        pattern="network.delay",
        description="packets from and to a service are delayed",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_delay,
    ),
    FaultSpec(
        name="network_loss",
        pattern="network.loss",
        description="a share of the packets from and to a service is lost",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_lose,
    ),
    FaultSpec(
        name="retry_storm",
        pattern="rpc.retry_amplification",
        description="a caller retries at once and often, and overruns its callee",
        kinds=("service",),
        eligible=victims.callers,
        inject=_storm,
    ),
    FaultSpec(
        name="timeout_cut",
        pattern="config_deploy.timeout_too_low",
        description="a caller's timeout is set below what its callee needs",
        kinds=("service",),
        eligible=victims.callers,
        inject=_cut_timeout,
    ),
    FaultSpec(
        name="cert_expiry",
        pattern="security.cert_expired",
        description="a service's certificate ends; its callers refuse to talk to it",
        kinds=("service",),
        eligible=victims.hosts_with_tls,
        inject=_expire_certificate,
    ),
    FaultSpec(
        name="node_pressure",
        pattern="node.cpu_saturated",
        patterns={"disk": "node.disk_io_saturated"},
        description="something starves a machine's processor or disk; what it hosts gets slow",
        kinds=("node",),
        eligible=victims.nodes,
        inject=_press_node,
    ),
)
