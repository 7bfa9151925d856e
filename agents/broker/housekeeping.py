"""The background round: retention, compaction and journal upkeep, one partition at a time."""

import asyncio
import logging

from agents.broker.offsets import CommittedOffsets
from agents.broker.topics import TopicCatalog

logger = logging.getLogger(__name__)


async def keep_house(catalog: TopicCatalog, offsets: CommittedOffsets, interval_ms: int) -> None:
    """Run rounds until cancelled; a disk error spoils one round, not the task."""
    while True:
        await asyncio.sleep(interval_ms / 1000)
        try:
            await one_round(catalog, offsets)
        except OSError as error:
            logger.warning("housekeeping failed and will be tried again: %s", error)


async def one_round(catalog: TopicCatalog, offsets: CommittedOffsets) -> None:
    """Apply every topic's cleanup policy once."""
    for topic in catalog.topics():
        for log in topic.partitions:
            log.apply_retention()
            await asyncio.sleep(0)
    catalog.upkeep()
    offsets.upkeep()
