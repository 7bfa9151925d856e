"""The server.properties of one node of a test cluster: KRaft, broker and controller in one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.clusters.ports import free_ports
from tests.clusters.security import Security

_MIB = 1024 * 1024

# What differs from Apache Kafka's defaults: limits like those of the embedded broker, one client's
# groups without a pause, and housekeeping quick enough for a test to see it.
_TUNING = {
    "num.partitions": "1",
    "message.max.bytes": str(8 * _MIB),
    "replica.fetch.max.bytes": str(9 * _MIB),
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "2",
    "share.coordinator.state.topic.num.partitions": "2",
    "group.initial.rebalance.delay.ms": "50",
    "group.min.session.timeout.ms": "1000",
    "log.cleaner.backoff.ms": "200",
    "log.retention.check.interval.ms": "500",
    "log.initial.task.delay.ms": "500",
    "log.segment.delete.delay.ms": "500",
    # A killed broker may register again when its old session has run out (9 s by default).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.dedupe.buffer.size": str(8 * _MIB),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node: its number, its folder and where each of its listeners is."""

    number: int
    folder: Path
    ports: Mapping[str, int]

    def address(self, listener: str) -> str:
        return f"127.0.0.1:{self.ports[listener]}"


def plan(folder: Path, count: int, security: Security) -> list[Node]:
    """Lay out the nodes 1, 2, ... with free ports for each listener."""
    names = [*security.listeners, "INTERNAL", "CONTROLLER"]
    free = iter(free_ports(count * len(names)))
    return [
        Node(number=n, folder=folder / f"node-{n}", ports={name: next(free) for name in names})
        for n in range(1, count + 1)
    ]


def properties(node: Node, nodes: Sequence[Node], security: Security) -> dict[str, str]:
    """Everything that one node is told."""
    replicas, in_sync = (3, 2) if len(nodes) >= 3 else (1, 1)
    protocols = dict(security.listeners) | {"INTERNAL": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"}
    listening = {name: f"{name}://{node.address(name)}" for name in protocols}
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.number),
        "controller.quorum.voters": ",".join(
            f"{each.number}@{each.address('CONTROLLER')}" for each in nodes
        ),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "INTERNAL",
        "listeners": ",".join(listening.values()),
        "advertised.listeners": ",".join(
            address for name, address in listening.items() if name != "CONTROLLER"
        ),
        "listener.security.protocol.map": ",".join(f"{n}:{p}" for n, p in protocols.items()),
        "log.dirs": str(node.folder / "data"),
        "default.replication.factor": str(replicas),
        "min.insync.replicas": str(in_sync),
        "offsets.topic.replication.factor": str(replicas),
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": str(in_sync),
        "share.coordinator.state.topic.replication.factor": str(replicas),
        "share.coordinator.state.topic.min.isr": str(in_sync),
        **_TUNING,
        **security.properties,
    }


def as_text(values: Mapping[str, str]) -> str:
    r"""Write properties as a Java properties file.

    >>> as_text({"a": r"C:\x", "b": "1"})
    'a=C:\\\\x\nb=1\n'
    """
    return "".join(f"{key}={_escaped(value)}\n" for key, value in values.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
