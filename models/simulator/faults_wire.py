"""Faults of the wires between components: what vanishes, what is cut, what does not fit."""

from models.simulator import victims, victims_store
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.network import BYTES_A_PACKET, Hindrance, Link, Shaper
from models.simulator.world import World


def _link(injection: Injection) -> Link:
    return injection.world.services[injection.target].link


def _hinder(link: Link, hindrance: Hindrance, **details: str) -> Injected:
    link.hindrance = hindrance

    def undo() -> None:
        link.hindrance = None

    return Injected(undo=undo, details=details)


def _others(world: World, target: str) -> list[Link]:
    """Return the links of everything but one service."""
    links = [s.link for name, s in world.services.items() if name != target]
    links += [d.link for d in world.databases.values()]
    links += [c.link for c in world.caches.values()]
    links += [b.link for b in world.brokers.values()]
    return links + [e.link for e in world.externals.values()]


def _part(injection: Injection) -> Injected:
    """Cut a service off from everything else."""
    parted = frozenset(_others(injection.world, injection.target))
    return _hinder(_link(injection), Hindrance(parted=parted))


def _block(injection: Injection) -> Injected:
    """Let a new policy drop what some of a service's callers send to it."""
    world, target = injection.world, injection.target
    callers = victims_store.callers_of(world, target)
    busiest = max(callers, key=lambda name: (victims.calls_made(world, name, target), name))
    blocked = {busiest, *(c for c in callers if injection.rng.random() < 0.4)}
    parted = frozenset(world.services[name].link for name in sorted(blocked))
    if injection.rng.random() < 0.8:
        title = f"{target}: tighten network policy"
        injection.changes.add("config", target, world.env.now, title)
    return _hinder(_link(injection), Hindrance(parted=parted), callers=",".join(sorted(blocked)))


def _reset(injection: Injection) -> Injected:
    """Let a share of the connections to a service be reset midway."""
    return _hinder(_link(injection), Hindrance(resets=injection.rng.uniform(0.3, 0.7)))


def _refuse(injection: Injection) -> Injected:
    """Let a share of the connections to a service be refused."""
    return _hinder(_link(injection), Hindrance(refusals=injection.rng.uniform(0.5, 0.95)))


def _misdirect(injection: Injection) -> Injected:
    """Let a service's address lead to a port where nobody listens."""
    title = f"{injection.target}: rename ports"
    now = injection.world.env.now
    injection.changes.add("config", injection.target, now, title)
    return _hinder(_link(injection), Hindrance(refusals=1.0))


def _swallow(injection: Injection) -> Injected:
    """Let packets over a size vanish: requests arrive, large answers do not."""
    return _hinder(_link(injection), Hindrance(swallowed=injection.rng.uniform(0.35, 0.75)))


def _narrow(injection: Injection) -> Injected:
    """Let a service have less bandwidth than it needs."""
    world, link = injection.world, _link(injection)
    needed = link.sent * BYTES_A_PACKET / max(1.0, world.env.now)
    link.narrow(Shaper(world.env, injection.rng.uniform(0.5, 0.85) * needed))
    return Injected(undo=lambda: link.narrow(None))


def _corrupt(injection: Injection) -> Injected:
    """Let a share of the packets from and to a service arrive damaged."""
    link = _link(injection)
    link.corrupt(injection.rng.uniform(0.12, 0.3))
    return Injected(undo=lambda: link.corrupt(0.0))


def _remove_endpoints(injection: Injection) -> Injected:
    """Let a service's selector match none of its pods."""
    service = injection.world.services[injection.target]
    service.endpoints_gone = True
    title = f"{service.name}: unify labels"
    injection.changes.add("config", service.name, injection.world.env.now, title)

    def undo() -> None:
        service.endpoints_gone = False

    return Injected(undo=undo)


def _move_far(injection: Injection) -> Injected:
    """Let a database's address lead to a server in another region."""
    database = injection.world.databases[injection.target]
    seconds = injection.rng.uniform(0.22, 0.42)  # two round trips a statement
    database.link.impair(delay_seconds=seconds)
    client = injection.rng.choice(victims_store.clients_of(injection.world, injection.target))
    title = f"{client}: new address of {injection.target}"
    injection.changes.add("config", client, injection.world.env.now, title)
    return Injected(undo=database.link.impair, details={"delay_ms": f"{1000 * seconds:.0f}"})


def _fill_table(injection: Injection) -> Injected:
    """Let a machine's connection table be full: first packets of connections are dropped."""
    node = injection.world.nodes[injection.target]
    node.connections_tracked = 0.999
    node.connections_dropped = injection.rng.uniform(0.55, 0.85)

    def undo() -> None:
        node.connections_tracked, node.connections_dropped = 0.0, 0.0

    return Injected(undo=undo)


def _take_ports(injection: Injection) -> Injected:
    """Let a service's pods have no local port left for connections to the outside."""
    service = injection.world.services[injection.target]
    service.ports_taken = injection.rng.uniform(0.8, 0.97)

    def undo() -> None:
        service.ports_taken = 0.0

    return Injected(undo=undo)


WIRE_FAULTS = (
    FaultSpec(
        name="cut_off",
        pattern="network.partition",
        description="a service is cut off from everything else",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_part,
    ),
    FaultSpec(
        name="callers_blocked",
        pattern="network.policy_block",
        description="a policy drops what some callers send to a service",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_block,
    ),
    FaultSpec(
        name="connections_reset",
        pattern="network.conn_reset",
        description="a share of the connections to a service is reset midway",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_reset,
    ),
    FaultSpec(
        name="connections_refused",
        pattern="network.conn_refused",
        description="a share of the connections to a service is refused",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_refuse,
    ),
    FaultSpec(
        name="wrong_port",
        pattern="network.target_port_misconfig",
        description="a service's address leads to a port where nobody listens",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_misdirect,
    ),
    FaultSpec(
        name="large_answers_lost",
        pattern="network.mtu_blackhole",
        description="requests arrive at a service, its large answers do not come back",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_swallow,
    ),
    FaultSpec(
        name="narrow_link",
        pattern="network.bandwidth",
        description="a service has less bandwidth than it needs",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_narrow,
    ),
    FaultSpec(
        name="damaged_packets",
        pattern="network.corrupt",
        description="a share of a service's packets arrives damaged",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_corrupt,
    ),
    FaultSpec(
        name="no_endpoints",
        pattern="network.endpoints_empty",
        description="a service's selector matches none of its pods",
        kinds=("service",),
        eligible=victims.called_services,
        inject=_remove_endpoints,
    ),
    FaultSpec(
        name="far_database",
        pattern="network.cross_region_rtt",
        description="a database's address leads to a server in another region",
        kinds=("database",),
        eligible=victims.databases,
        inject=_move_far,
    ),
    FaultSpec(
        name="connection_table_full",
        pattern="node.conntrack_full",
        description="a machine's connection table is full, new connections wait or fail",
        kinds=("node",),
        eligible=victims_store.nodes_of_callers,
        inject=_fill_table,
    ),
    FaultSpec(
        name="local_ports_taken",
        pattern="network.snat_port_exhausted",
        description="a service has no local port left for connections to the outside",
        kinds=("service",),
        eligible=victims_store.services_with_outside_calls,
        inject=_take_ports,
    ),
)
