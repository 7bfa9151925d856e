"""Reading in turn, over what stands for a client whose buffers are full of one partition."""

import asyncio
from types import SimpleNamespace

from aiokafka import TopicPartition

from agents.worker.config import WorkerConfig
from agents.worker.fair_reading import read_fairly
from agents.worker.lane import Lane
from agents.worker.pace import Pace

ALERTS, SPANS, OTHER = (TopicPartition(t, 0) for t in ("zz-alerts", "spans", "metrics"))
CONFIG = WorkerConfig(batch_records=300, poll_ms=1)


class Buffers:
    """Hands out what it holds as aiokafka does: partition by partition, each to its end."""

    def __init__(self, **held):
        self.held = {TopicPartition(topic.replace("_", "-"), 0): n for topic, n in held.items()}
        self.waited = 0

    async def getmany(self, *tps, timeout_ms=0, max_records=None):
        self.waited += timeout_ms > 0
        found = {}
        for tp in tps or tuple(self.held):
            count = min(self.held.get(tp, 0), max_records - sum(map(len, found.values())))
            if count:
                self.held[tp] -= count
                found[tp] = [SimpleNamespace(topic=tp.topic)] * count
        return found


def lanes(*tps):
    return {
        tp: Lane(
            tp=tp,
            stage=None,
            state_topic=None,
            position=0,
            durable=0,
            generation=1,
            pace=Pace(2_000, 1.0),
        )
        for tp in tps
    }


def read(buffers, open_lanes):
    batches = asyncio.run(read_fairly(buffers, open_lanes, {"zz-alerts"}, CONFIG))
    return [(lane.tp, len(records)) for lane, records in batches]


def test_a_backlog_of_telemetry_does_not_hold_up_alerts_nor_other_telemetry():
    buffers = Buffers(spans=100_000, metrics=50, zz_alerts=7)
    found = read(buffers, lanes(ALERTS, SPANS, OTHER))
    assert found == [(ALERTS, 7), (OTHER, 50), (SPANS, 64)]


def test_no_turn_takes_more_than_a_batch():
    open_lanes = lanes(ALERTS, SPANS, OTHER)
    for lane in open_lanes.values():
        for _ in range(10):
            lane.pace.took(lane.pace.size, 0.000_1)
    buffers = Buffers(spans=100_000, metrics=100_000, zz_alerts=100_000)
    assert read(buffers, open_lanes) == [(ALERTS, 100), (OTHER, 100), (SPANS, 100)]


def test_with_nothing_there_it_waits_once_for_whatever_comes():
    buffers = Buffers()
    assert read(buffers, lanes(ALERTS, SPANS)) == []
    assert buffers.waited == 1


def test_records_of_a_partition_without_a_lane_are_left_for_who_opens_one():
    buffers = Buffers(spans=5, metrics=5)
    assert read(buffers, lanes(SPANS)) == [(SPANS, 5)]
    assert read(buffers, {}) == []
