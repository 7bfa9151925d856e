"""The background round: retention, compaction and journal upkeep, one partition at a time."""

import asyncio
import logging
import time

from agents.broker import compaction
from agents.broker.config import BrokerConfig
from agents.broker.offsets import CommittedOffsets
from agents.broker.partition_log import PartitionLog
from agents.broker.topics import TopicCatalog

logger = logging.getLogger(__name__)


async def keep_house(
    catalog: TopicCatalog, offsets: CommittedOffsets, config: BrokerConfig
) -> None:
    """Run rounds until cancelled; a disk error spoils one round, not the task."""
    while True:
        await asyncio.sleep(config.housekeeping_interval_ms / 1000)
        try:
            for topic in catalog.topics():
                for log in topic.partitions:
                    await _tidy(log, config.compaction_max_keys)
            catalog.upkeep()
            offsets.upkeep()
        except OSError as error:
            logger.warning("housekeeping failed and will be tried again: %s", error)


async def _tidy(log: PartitionLog, max_keys: int) -> None:
    if log.is_closed:
        return  # its topic was deleted while this round was under way
    log.apply_retention()
    due = compaction.plan(log, max_keys, now_ms=time.time_ns() // 1_000_000)
    if due is None:
        await asyncio.sleep(0)  # let clients in between two partitions
        return
    await asyncio.to_thread(compaction.run, due)
    if not log.is_closed:
        compaction.finish(log, due)
