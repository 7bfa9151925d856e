"""Rebuilds incidents from the input topics: both stages in memory, by the records' own times.

Records of all partitions are merged by their timestamps, and a clock that follows them drives what
the stages do by time. The worker read the same records in other batches, so members and root
causes can be expected to be the same, single revisions and probabilities cannot.
"""

import heapq
from collections.abc import Iterator, Sequence
from itertools import groupby

from agents.replay.signals_log import SignalsLog
from agents.replay.stages import Record, Stages
from agents.settings import Settings
from agents.worker.stage import Outgoing, Stage

_ONE = 0
"""Everything goes through one partition: environments have nothing to do with each other."""


class InputsLog:
    """The input partitions with their first stages, in front of a signals log.

    Args:
        settings: how often the worker polls and does what is due.
        stages: makes the first stages.
        signals: the second stage.
    """

    def __init__(self, settings: Settings, stages: Stages, signals: SignalsLog) -> None:
        self._signals = signals
        self._stages = stages
        self._topic = settings.topics.signals
        self._slice_ms = max(1, settings.worker.poll_ms)
        self._idle_ms = max(1, round(settings.worker.idle_seconds * 1000))
        self._open: dict[tuple[str, int], Stage] = {}
        self._clock_ms = 0
        self.refused = 0

    def run(self, partitions: Sequence[Sequence[Record]], until_ms: int) -> Iterator[float]:
        """Take in the records of partitions and then silence; yields the share that is done."""
        total = max(1, sum(map(len, partitions)))
        done = 0
        for batch in _merged(partitions, self._slice_ms):
            at_ms = max(self._clock_ms, batch[-1].timestamp)
            self._pass_time(at_ms)
            self._produce(self._stage(batch[0]).handle(batch, at_ms), at_ms)
            done += len(batch)
            yield done / total
        self._pass_time(until_ms)

    def _pass_time(self, until_ms: int) -> None:
        """Let the clock go on, doing what is due on the way."""
        if not self._clock_ms:
            self._clock_ms = until_ms
        while self._clock_ms + self._idle_ms <= until_ms:
            self._clock_ms += self._idle_ms
            for stage in self._open.values():
                self._produce(stage.idle(self._clock_ms), self._clock_ms)
            self._signals.handle(list(self._signals.ticks(_ONE, self._clock_ms)))
        self._clock_ms = max(self._clock_ms, until_ms)

    def _produce(self, outgoing: Sequence[Outgoing], at_ms: int) -> None:
        signals = [out for out in outgoing if out.topic == self._topic]
        self.refused += len(outgoing) - len(signals)
        self._signals.handle(
            [
                Record(
                    topic=self._topic,
                    partition=_ONE,
                    offset=0,
                    timestamp=at_ms,
                    key=out.key,
                    value=out.value,
                    headers=out.headers,
                )
                for out in signals
            ]
        )

    def _stage(self, record: Record) -> Stage:
        place = record.topic, record.partition
        if place not in self._open:
            self._open[place] = self._stages.reduce(*place)
        return self._open[place]


def _merged(partitions: Sequence[Sequence[Record]], slice_ms: int) -> Iterator[Sequence[Record]]:
    """Cut partitions into what one read would bring, in the order of time."""
    streams = [
        [(slot, number, list(batch)) for slot, batch in _slots(records, slice_ms)]
        for number, records in enumerate(partitions)
    ]
    for _slot, _number, batch in heapq.merge(*streams, key=lambda piece: piece[:2]):
        yield batch


def _slots(records: Sequence[Record], slice_ms: int) -> Iterator[tuple[int, Iterator[Record]]]:
    """Group a partition's records by slices of time that never go back."""
    latest = 0
    keyed: list[tuple[int, Record]] = []
    for record in records:
        latest = max(latest, record.timestamp // slice_ms)
        keyed.append((latest, record))
    for slot, group in groupby(keyed, key=lambda pair: pair[0]):
        yield slot, (record for _, record in group)
