"""Sends judged letters in batches: take, send, note; each step acknowledged before the next.

Killed between any two steps, nothing is lost: what was not noted as sent is looked for by the
next run (`arrivals`), and sent if it is not there.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from aiokafka import AIOKafkaProducer

from agents.redrive.judging import Fate, Judge, Judged
from agents.redrive.ledger import Entry, State
from agents.redrive.ledger_log import LedgerLog
from agents.redrive.letter import Letter, restored

BATCH_LETTERS = 100
BATCH_BYTES = 16 * 1024 * 1024


def wall_ms() -> int:
    """Now, in epoch milliseconds."""
    return time.time_ns() // 1_000_000


class Sender:
    """Sends batches for one run, no faster than `rate` letters a second (0: as fast as it goes).

    Args:
        judge: whose letters these are: the run's name, who has which letter, where they go.
        log: the ledger's topic.
        producer: an idempotent producer.
        rate: letters a second.
        failpoint: called between the steps; fault tests pass something that kills the process.
    """

    def __init__(
        self,
        judge: Judge,
        log: LedgerLog,
        producer: AIOKafkaProducer,
        rate: float,
        failpoint: Callable[[str], None],
    ) -> None:
        self._run = judge.run
        self._ledger = judge.ledger
        self._targets = judge.targets
        self._log = log
        self._producer = producer
        self._rate = rate
        self._failpoint = failpoint
        self._free_at = time.monotonic()

    @property
    def batch_letters(self) -> int:
        """How many letters one batch should hold: about a second's worth."""
        return max(1, min(BATCH_LETTERS, int(self._rate))) if self._rate else BATCH_LETTERS

    async def send(self, batch: Sequence[Judged]) -> list[Judged]:
        """Send a batch; return what became of each letter of it.

        Raises:
            KafkaError: something was not acknowledged; the next run finds out what arrived.
        """
        await asyncio.sleep(max(0.0, self._free_at - time.monotonic()))
        if self._rate:
            self._free_at = max(self._free_at, time.monotonic()) + len(batch) / self._rate
        entries = await self._taken(batch)
        self._failpoint("taken")
        told: list[Judged] = []
        pending: list[tuple[str, Entry, Any]] = []
        for judged in batch:
            final = await self._checked(judged)
            told.append(final)
            if final.fate is Fate.SEND:
                entry = entries[judged.letter.name]
                pending.append((judged.letter.name, entry, await self._send(final, entry)))
        for _name, _entry, acknowledged in pending:
            await acknowledged
        self._failpoint("sent")
        sent = [(n, replace(e, state=State.SENT, at_ms=wall_ms())) for n, e, _ in pending]
        await self._log.append(sent)
        self._failpoint("noted")
        return told

    async def _taken(self, batch: Sequence[Judged]) -> dict[str, Entry]:
        """Take the letters of a batch, so that no other run sends them meanwhile."""
        while True:
            began_ms = wall_ms()
            entries = {each.letter.name: self._entry(each.letter) for each in batch}
            await self._log.append(list(entries.items()))
            # What took longer to be taken may be somebody else's by now; it is taken anew.
            if wall_ms() - began_ms < self._ledger.lease_ms / 2:
                return entries

    def _entry(self, letter: Letter) -> Entry:
        assert letter.origin is not None
        return Entry(
            state=State.TAKEN,
            run=self._run,
            letter_ms=letter.timestamp_ms,
            at_ms=wall_ms(),
            to=letter.origin.topic,
            attempt=self._ledger.attempt(letter),
        )

    async def _checked(self, judged: Judged) -> Judged:
        """Look once more: another run may have been first, a newer message may have come."""
        letter = judged.letter
        if not self._ledger.holds(letter, self._run):
            return replace(judged, fate=Fate.HELD, note="another run was first to take it")
        newer = await self._targets.newer(letter)
        if newer is None:
            return judged
        note = f"a later message of the same key came to offset {newer.offset}; that one counts"
        return replace(judged, fate=Fate.SUPERSEDED, note=note)

    async def _send(self, judged: Judged, entry: Entry) -> Any:
        out = restored(
            judged.letter,
            judged.value,
            partition=self._targets.partition(judged.letter),
            attempt=entry.attempt,
        )
        return await self._producer.send(
            out.topic,
            out.value,
            key=out.key,
            partition=out.partition,
            headers=list(out.headers),
        )
