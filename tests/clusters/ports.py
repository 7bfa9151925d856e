"""Free ports on loopback, taken together so that no two of them are the same."""

import socket


def free_ports(count: int) -> list[int]:
    """Return `count` different ports that nothing listens on now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
