"""Waiting until a cluster serves: each node answers, knows the others, and is in sync."""

import time
from collections.abc import Callable, Mapping, Set

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata

_POLL_SECONDS = 0.1


def wait_until_ready(
    addresses: Mapping[int, str], seconds: float, alive: Callable[[], None]
) -> None:
    """Wait until every node answers at its own plaintext address, and all see one another.

    Args:
        addresses: where each node that runs is, by its id.
        seconds: how long to wait before it is an error.
        alive: raises when waiting has become pointless.
    """
    deadline = time.monotonic() + seconds
    for node, address in addresses.items():
        admin = AdminClient(
            {
                "bootstrap.servers": address,
                "log_level": 0,
                "reconnect.backoff.ms": 50,
                "reconnect.backoff.max.ms": 200,
            }
        )
        while (missing := _missing(admin, addresses.keys())) is not None:
            alive()
            if time.monotonic() > deadline:
                msg = f"node {node} at {address} was not ready in {seconds} s; last: {missing}"
                raise TimeoutError(msg)
            time.sleep(_POLL_SECONDS)


def _missing(admin: AdminClient, nodes: Set[int]) -> str | None:
    """What is not as it has to be, from what one node says; None when nothing is."""
    try:
        found: ClusterMetadata = admin.list_topics(timeout=1)
    except KafkaException as error:
        return str(error)
    absent = nodes - found.brokers.keys()
    if absent:
        return f"the metadata lacks the nodes {sorted(absent)}"
    for topic in found.topics.values():
        for number, part in topic.partitions.items():
            where = f"{topic.topic}[{number}]"
            if part.leader not in nodes:
                return f"{where} has no leader that runs"
            behind = (set(part.replicas) & nodes) - set(part.isrs)
            if behind:
                return f"{where} is not in sync on {sorted(behind)}"
    return None
