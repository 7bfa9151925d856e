"""Whom a client, producer or consumer span talks to, by OpenTelemetry's semantic conventions.

Both generations of attribute names are read. Names come out as `schemas.resolve_labels` would make
them of the thing's own metrics, so that the two meet.
"""

from collections.abc import Mapping

from schemas.component import Component, ComponentKind
from schemas.resolve_names import (
    LOCAL_HOSTS,
    first_label,
    host_of,
    is_address,
    is_internal,
    is_private_address,
    kind_of,
    tidy,
)

CACHES = frozenset({"redis", "valkey", "memcached", "hazelcast", "keydb", "aws.elasticache"})
EMBEDDED = frozenset({"sqlite", "h2", "hsqldb", "derby", "h2database"})
"""Databases that run inside their caller, so no component of their own."""

_HOST = ("server_address", "net_peer_name", "url_host", "network_peer_address", "net_peer_ip")
_DATABASE_SYSTEM = ("db_system_name", "db_system")
_DESTINATION = ("messaging_destination_name", "messaging_destination", "messaging_rabbitmq_queue")


def first_of(labels: Mapping[str, str], names: tuple[str, ...]) -> str:
    """Return the first present, non-empty value."""
    for name in names:
        value = labels.get(name)
        if value:
            return value
    return ""


class PeerNames:
    """Names hosts, databases and destinations; holds the two settings that bear on it."""

    def __init__(self, suffixes: tuple[str, ...], *, full_host_names: bool) -> None:
        self._suffixes = suffixes
        self._full = full_host_names

    def host(self, address: str) -> str:
        """Return the component name of a host or "" where it names the speaker itself."""
        host = host_of(address)
        if not host or host in LOCAL_HOSTS:
            return ""
        return host if self._full and not host.endswith(self._suffixes) else first_label(host)

    def endpoint(self, address: str) -> Component | None:
        """Return the service or external endpoint behind a host, None where no name is had."""
        host = host_of(address)
        # The address of a pod says nothing that lasts; the server's own span names it.
        if not host or host in LOCAL_HOSTS or is_private_address(host):
            return None
        if not is_address(host) and is_internal(host, self._suffixes):
            name = first_label(host)
            return Component(name=name, kind=kind_of(name))
        return Component(name=host, kind=ComponentKind.EXTERNAL)

    def peer(self, attributes: Mapping[str, str]) -> Component | None:
        """Return whom a span with these attributes (plain names) talks to."""
        named = tidy(attributes.get("peer_service", ""), self._suffixes)
        system = first_of(attributes, _DATABASE_SYSTEM).lower()
        messaging = attributes.get("messaging_system", "").lower()
        destination = first_of(attributes, _DESTINATION)
        address = first_of(attributes, _HOST)
        if system in EMBEDDED:
            return None
        if system:
            kind = ComponentKind.CACHE if system in CACHES else ComponentKind.DATABASE
            name = named or self.host(address) or tidy(system)
            return Component(name=name, kind=kind) if name else None
        if messaging or destination:
            return self._queue(destination, named or self.host(address) or tidy(messaging))
        if named:
            return Component(name=named, kind=kind_of(named))
        return self.endpoint(address)

    def _queue(self, destination: str, broker: str) -> Component | None:
        """A destination is the component; its broker stands in when it has no lasting name."""
        name = queue_name(destination) or broker
        return Component(name=name, kind=ComponentKind.QUEUE) if name else None


def queue_name(destination: str) -> str:
    """Write the name of a topic or queue; "" for the ones that brokers invent for one client.

    >>> queue_name("Orders"), queue_name("amq.gen-Xa2")
    ('orders', '')
    """
    name = "-".join(destination.split()).lower()
    return "" if name.startswith(("amq.", "(temporary)", "(anonymous)")) else name
