"""Hears from the group which partitions come and go."""

import logging
from collections.abc import Awaitable, Callable, Collection, Iterable

from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener

_log = logging.getLogger("worker")


class Rebalance(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """Passes the group's decisions on.

    Assignment only takes note: aiokafka sends no heartbeats until it returns, so restoring state
    is left to the loop. Revocation saves first: heartbeats go on meanwhile.
    """

    def __init__(
        self,
        claim: Callable[[Iterable[TopicPartition]], None],
        release: Callable[[], Awaitable[None]],
    ) -> None:
        self._claim = claim
        self._release = release

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Hand over everything: the protocol takes all partitions and assigns anew."""
        if revoked:
            _log.info("handing over %d partitions", len(revoked))
        await self._release()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Take what is assigned."""
        _log.info("assigned %d partitions", len(assigned))
        self._claim(assigned)
