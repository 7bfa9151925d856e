"""Reads the partitions of a consumer in turn: a backlog of one does not hold up the others.

The client hands out what it has fetched partition by partition, each to its end: alerts would wait
behind minutes of telemetry. Here a turn takes from every partition what it can handle in one go,
first from the topics that must not wait. What is not taken stays in the client's buffers, which
are bounded, and it fetches no more: that is the back-pressure.
"""

from collections.abc import Mapping, Sequence, Set
from typing import Any

from aiokafka import TopicPartition

from agents.worker.config import WorkerConfig
from agents.worker.lane import Lane
from agents.worker.stage import Incoming

Batches = list[tuple[Lane, Sequence[Incoming]]]


async def read_fairly(
    consumer: Any, lanes: Mapping[TopicPartition, Lane], first: Set[str], config: WorkerConfig
) -> Batches:
    """Return at most one go of each partition, urgent topics first; wait if there is nothing."""
    batches: Batches = []
    share = max(1, config.batch_records // max(1, len(lanes)))
    for tp in sorted(lanes, key=lambda tp: (tp.topic not in first, tp)):
        if (lane := lanes.get(tp)) is not None:
            found = await consumer.getmany(tp, max_records=min(lane.pace.size, share))
            batches += _of_now(lanes, found)
    if batches:
        return batches
    # Nothing is there: wait for the next to come, whichever it is.
    least = min((lane.pace.size for lane in lanes.values()), default=config.slice_records)
    found = await consumer.getmany(timeout_ms=config.poll_ms, max_records=least)
    return _of_now(lanes, found)


def _of_now(
    lanes: Mapping[TopicPartition, Lane], found: Mapping[TopicPartition, Sequence[Incoming]]
) -> Batches:
    """Pair records with the lanes of this moment.

    No await since they left the consumer: each belongs to the lane that is there now. A partition
    without a lane will be read again from where its lane is opened.
    """
    return [(lanes[tp], records) for tp, records in found.items() if tp in lanes]
