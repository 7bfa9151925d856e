"""One run of redrive: reads the dead letters up to where they end now, judges and sends them."""

import contextlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from aiokafka import AIOKafkaConsumer, TopicPartition

from agents.redrive.arrivals import arrived
from agents.redrive.judging import Fate, Judge, Judged
from agents.redrive.ledger import LEASE_MS, Ledger, State
from agents.redrive.ledger_log import LedgerLog
from agents.redrive.letter import Letter, read_letter
from agents.redrive.originals import Originals
from agents.redrive.post import Post, connected
from agents.redrive.selection import Selection
from agents.redrive.sending import BATCH_BYTES, Sender, wall_ms
from agents.redrive.targets import Targets
from agents.settings import Settings
from agents.topic_slice import (
    TopicSlice,
    TopicsMissingError,
    partition_counts,
    read_slices,
    slice_reader,
    slices_of,
)
from agents.worker.topic_admin import ensure_topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run is to do. `limit` counts letters that are sent; 0 is no limit."""

    selection: Selection = field(default_factory=Selection)
    dry_run: bool = False
    again: bool = False
    limit: int = 0
    rate: float = 0.0
    max_attempts: int = 3
    lease_ms: int = LEASE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """Who is told what happens: each letter's fate, and how much of the topic is read (0 to 1)."""

    told: Callable[[Judged], None]
    progress: Callable[[float], None] = lambda _share: None
    failpoint: Callable[[str], None] = lambda _name: None


async def redrive(settings: Settings, order: Order, watching: Watching) -> None:
    """Send the dead letters that are asked for; in a dry run only tell what would be sent.

    Raises:
        TopicsMissingError, TopicMissingError: the dead-letter topic is not there, or the ledger
            may not be created.
        KafkaError, OSError, TimeoutError: Kafka cannot be reached, or went away.
    """
    counts = await partition_counts(settings.kafka)
    letters = settings.topics.dead_letter
    if letters not in counts:
        msg = (
            f"there is no topic {letters}, so there are no dead letters; if it has another name, "
            "set topics.dead_letter"
        )
        raise TopicsMissingError(msg)
    if not order.dry_run:
        await ensure_topic(settings.kafka, settings.topics, settings.topics.redriven)
        counts = await partition_counts(settings.kafka)
    async with contextlib.AsyncExitStack() as stack:
        reader, looker, remembering = [
            await stack.enter_async_context(slice_reader(settings.kafka)) for _ in range(3)
        ]
        producer = None
        if not order.dry_run:
            producer = await stack.enter_async_context(connected(settings.kafka))
        ledger = Ledger(order.lease_ms)
        topic = settings.topics.redriven
        log = LedgerLog(ledger, topic, counts.get(topic, 0), remembering, producer)
        await log.catch_up()
        judge = Judge(
            run=str(uuid.uuid4()),
            ledger=ledger,
            targets=Targets(settings.topics, counts, looker),
            originals=Originals(counts, looker),
            again=order.again,
            max_attempts=order.max_attempts,
        )
        post = Post(settings.kafka, producer) if producer is not None else None
        run = _Run(order, watching, judge, log, post)
        places = [TopicPartition(letters, number) for number in range(counts[letters])]
        if not order.dry_run:
            await run.settle(counts, looker)
        await run.read(reader, await slices_of(reader, places, since_ms=order.selection.since_ms))


class _Run:
    """The letters on their way: judged one by one, sent in batches."""

    def __init__(
        self,
        order: Order,
        watching: Watching,
        judge: Judge,
        log: LedgerLog,
        post: Post | None,
    ) -> None:
        self._order = order
        self._watching = watching
        self._judge = judge
        self._log = log
        self._sender = None
        if post is not None:
            self._sender = Sender(judge, log, post, order.rate, watching.failpoint)
        self._waiting: list[Judged] = []
        self._chosen = 0

    async def settle(self, counts: dict[str, int], looker: AIOKafkaConsumer) -> None:
        """Note as sent what a run that was killed had sent already."""
        now_ms = wall_ms()
        stale = {
            name: entry
            for name, entry in self._judge.ledger.unfinished().items()
            if now_ms >= entry.at_ms + self._order.lease_ms
        }
        if not stale:
            return
        found = await arrived(stale, counts, looker)
        entries = [
            (name, replace(stale[name], state=State.SENT, run=self._judge.run, at_ms=now_ms))
            for name in sorted(found)
        ]
        await self._log.append(entries)

    async def read(self, reader: AIOKafkaConsumer, slices: list[TopicSlice]) -> None:
        """Go through the letters until their end, or until the limit is reached."""
        total = max(1, sum(each.records for each in slices))
        done = 0
        async for records in read_slices(reader, slices):
            for record in records:
                done += 1
                letter = read_letter(record)
                if self._order.selection.fits(letter):
                    await self._take(letter)
                if self._is_full:
                    await self._flush()
                    return
            self._watching.progress(min(1.0, done / total))
        await self._flush()

    @property
    def _is_full(self) -> bool:
        return bool(self._order.limit) and self._chosen >= self._order.limit

    async def _take(self, letter: Letter) -> None:
        judged = await self._judge.judge(letter, wall_ms())
        if judged.fate is not Fate.SEND:
            self._watching.told(judged)
            return
        self._chosen += 1
        if self._sender is None:
            self._watching.told(judged)
            return
        self._waiting.append(judged)
        held = sum(len(each.value or b"") for each in self._waiting)
        if len(self._waiting) >= self._sender.batch_letters or held >= BATCH_BYTES:
            await self._flush()

    async def _flush(self) -> None:
        if self._sender is None or not self._waiting:
            return
        batch, self._waiting = self._waiting, []
        for judged in await self._sender.send(batch):
            self._watching.told(judged)
