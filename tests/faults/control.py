"""The control client: a plain consumer beside the workers that reads what they read and write.

It belongs to no group and commits nothing. What it cannot read of what was acknowledged, the
broker has lost; what it can read and the workers did not answer, we have.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.worker.topics import TopicsConfig
from tests.faults.outcome import Revision, SetAside, Told
from tests.faults.pulses import PULSE_RULE
from tests.faults.storm import NUMBER

_TOPICS = TopicsConfig()
_NOTIFIED = "rootline.notified"
_LOOK_SECONDS = 0.05


class _Alert(msgspec.Struct):
    fingerprint: str
    labels: list[tuple[str, str]] = []
    status: str = ""


class _Signal(msgspec.Struct):
    type: str
    source: str = ""
    observed_ms: int = 0
    alert: _Alert | None = None


class _Aside(msgspec.Struct):
    environment: str
    alert: _Alert


class _Sent(msgspec.Struct):
    incident_id: str
    revision: int
    occasion: str


class Control:
    """Reads inputs, signals and outputs from their start; what it has seen only grows."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self.read: list[int] = []
        self.revisions: list[Revision] = []
        self.set_aside: set[SetAside] = set()
        self.openings: list[Told] = []
        self.dead_letters: set[tuple[str, int, int]] = set()
        # When the pulse of an environment and beat was answered.
        self.answered: dict[tuple[str, int], float] = {}
        # (environment, topic) -> how far its telemetry has come on `signals`.
        self.sources: dict[tuple[str, str], int] = {}
        # (environment, fingerprint, status) on `signals`.
        self.forwarded: set[tuple[str, str, str]] = set()
        self._positions: dict[TopicPartition, int] = {}
        self._changed = asyncio.Event()
        self._take: dict[str, Callable[[Any, float], None]] = {
            **dict.fromkeys(_TOPICS.inputs, self._input),
            _TOPICS.signals: self._signal,
            _TOPICS.incidents: self._incident,
            _TOPICS.unassigned: self._aside,
            _TOPICS.dead_letter: self._dead_letter,
            _NOTIFIED: self._notified,
        }

    async def run(self) -> None:
        """Read until cancelled; a broker that is away is tried again."""
        while True:
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                await self._session()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _session(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            metadata_max_age_ms=1_000,
        )
        await consumer.start()
        try:
            tps = await _partitions(consumer, list(self._take))
            consumer.assign(tps)
            for tp in tps:
                consumer.seek(tp, self._positions.get(tp, 0))
            while True:
                for tp, records in (await consumer.getmany(timeout_ms=50)).items():
                    self._took(tp, records)
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await consumer.stop()

    def _took(self, tp: TopicPartition, records: list[Any]) -> None:
        now = time.monotonic()
        for record in records:
            self._take[tp.topic](record, now)
        self._positions[tp] = records[-1].offset + 1
        self._changed.set()

    def position(self, topic: str, partition: int) -> int:
        """How far a partition has been read."""
        return self._positions.get(TopicPartition(topic, partition), 0)

    async def until(self, reached: Callable[[], bool], seconds: float) -> bool:
        """Wait until something was seen; tell whether it was, in time."""
        deadline = time.monotonic() + seconds
        while not reached():
            if time.monotonic() > deadline:
                return False
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 0.5)
        return True

    def _input(self, record: Any, _now: float) -> None:
        number = dict(record.headers).get(NUMBER)
        if number is not None:
            self.read.append(int(number))

    def _signal(self, record: Any, _now: float) -> None:
        signal = msgspec.json.decode(record.value, type=_Signal)
        environment = record.key.decode()
        if signal.alert is not None:
            self.forwarded.add((environment, signal.alert.fingerprint, signal.alert.status))
        if signal.type == "telemetry":
            source = environment, signal.source.partition("/")[0]
            self.sources[source] = max(self.sources.get(source, 0), signal.observed_ms)

    def _incident(self, record: Any, _now: float) -> None:
        headers = dict(record.headers)
        incident_id, _, revision = headers["ce_id"].decode().rpartition(":")
        self.revisions.append(
            Revision(
                incident_id=incident_id,
                revision=int(revision),
                transition=headers["ce_type"].decode().rpartition(".")[2],
                value=record.value,
            )
        )

    def _aside(self, record: Any, now: float) -> None:
        aside = msgspec.json.decode(record.value, type=_Aside)
        labels = dict(aside.alert.labels)
        if labels.get("alertname") == PULSE_RULE:
            self.answered.setdefault((aside.environment, int(labels["beat"])), now)
            return
        reason = dict(record.headers)["rootline.reason"].decode()
        self.set_aside.add(
            SetAside(
                environment=aside.environment,
                fingerprint=aside.alert.fingerprint,
                reason=reason,
            )
        )

    def _dead_letter(self, record: Any, _now: float) -> None:
        headers = {name: value.decode() for name, value in record.headers}
        self.dead_letters.add(
            (
                headers["rootline.error.topic"],
                int(headers["rootline.error.partition"]),
                int(headers["rootline.error.offset"]),
            )
        )

    def _notified(self, record: Any, _now: float) -> None:
        sent = msgspec.json.decode(record.value, type=_Sent)
        if sent.occasion == "opened":
            self.openings.append(Told(incident_id=sent.incident_id, revision=sent.revision))


async def _partitions(consumer: AIOKafkaConsumer, topics: list[str]) -> list[TopicPartition]:
    """Return the partitions of topics, once all of them are there."""
    while True:
        await consumer.topics()
        known = {topic: consumer.partitions_for_topic(topic) for topic in topics}
        if all(known.values()):
            return [TopicPartition(t, number) for t in topics for number in sorted(known[t] or ())]
        await asyncio.sleep(_LOOK_SECONDS)
