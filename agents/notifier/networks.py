"""Private networks that are permitted, and whether an address may be connected to: pure."""

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Read networks in CIDR notation.

    Raises:
        ValueError: one of them is none.
    """
    return tuple(ipaddress.ip_network(text) for text in texts)


def is_permitted(text: str, permitted: Sequence[Network] = ()) -> bool:
    """Tell whether an address may be connected to: it is public, or in a permitted network.

    >>> is_permitted("8.8.8.8"), is_permitted("10.0.0.1"), is_permitted("::ffff:127.0.0.1")
    (True, False, False)
    >>> is_permitted("10.0.0.1", networks(("10.0.0.0/8",)))
    True
    """
    try:
        address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if address.is_global and not address.is_multicast:
        return True
    return any(address.version == network.version and address in network for network in permitted)


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does: mapped, 6to4 or NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address
