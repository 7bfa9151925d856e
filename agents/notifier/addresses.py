"""Which addresses a webhook's name may lead to: checked on the answer that is connected to.

A name can be made to lead inside (to a metadata service, a database's port) after it was checked,
so nothing is looked up twice: what this resolver lets through is what the connection is made to.
"""

import socket
from collections.abc import Collection, Sequence

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from agents.notifier.networks import Network, is_permitted


class PrivateAddressError(OSError):
    """A name leads to private addresses only, and none of them is permitted."""


class GuardedResolver(AbstractResolver):
    """Looks names up, and lets through the addresses that may be connected to.

    Args:
        networks: private networks that are permitted.
        exempt: hosts that are not checked: the operator's own proxy.
        inner: looks names up; the system's resolver unless given.
    """

    def __init__(
        self,
        networks: Sequence[Network] = (),
        *,
        exempt: Collection[str] = (),
        inner: AbstractResolver | None = None,
    ) -> None:
        self._networks = tuple(networks)
        self._exempt = frozenset(exempt)
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look a name up.

        Raises:
            PrivateAddressError: every address that was found is private and not permitted.
            OSError: the name is not known.
        """
        if self._inner is None:
            self._inner = DefaultResolver()
        found = await self._inner.resolve(host, port, family)
        if host in self._exempt:
            return found
        good = [item for item in found if is_permitted(item["host"], self._networks)]
        if found and not good:
            msg = "the name leads to a private address (notifier.private_networks permits some)"
            raise PrivateAddressError(msg)
        return good

    async def close(self) -> None:
        """Close the inner resolver."""
        if self._inner is not None:
            await self._inner.close()
