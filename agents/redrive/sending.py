"""Sends judged letters in batches: take, send, note; each step acknowledged before the next.

Killed between any two steps, nothing is lost: what was not noted as sent is looked for by the
next run (`arrivals`), and sent if it is not there.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from agents.redrive.judging import Fate, Judge, Judged
from agents.redrive.ledger import Entry, State
from agents.redrive.ledger_log import LedgerLog
from agents.redrive.letter import Letter, restored
from agents.redrive.post import Delivery, Post

BATCH_LETTERS = 100
BATCH_BYTES = 16 * 1024 * 1024
_TRIES = 5


def wall_ms() -> int:
    """Now, in epoch milliseconds."""
    return time.time_ns() // 1_000_000


class Sender:
    """Sends batches for one run, no faster than `rate` letters a second (0: as fast as it goes).

    Args:
        judge: whose letters these are: the run's name, who has which letter, where they go.
        log: the ledger's topic.
        post: puts messages on their topics.
        rate: letters a second.
        failpoint: called between the steps; fault tests pass something that kills the process.
    """

    def __init__(
        self,
        judge: Judge,
        log: LedgerLog,
        post: Post,
        rate: float,
        failpoint: Callable[[str], None],
    ) -> None:
        self._run = judge.run
        self._ledger = judge.ledger
        self._targets = judge.targets
        self._log = log
        self._post = post
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
        pending: list[tuple[Judged, Entry, Delivery]] = []
        for judged in batch:
            final = await self._checked(judged)
            if final.fate is Fate.SEND:
                entry = entries[judged.letter.name]
                pending.append((final, entry, await self._send(final, entry)))
            else:
                told.append(final)
        sent: list[tuple[str, Entry]] = self._sent_by_others(batch)
        for judged, entry, delivery in pending:
            refusal = await delivery()
            if refusal is None:
                done = replace(entry, state=State.SENT, at_ms=wall_ms())
                sent.append((judged.letter.name, done))
                told.append(judged)
            else:
                told.append(replace(judged, fate=Fate.TOO_LARGE, note=refusal))
        self._failpoint("sent")
        await self._log.append(sent)
        self._failpoint("noted")
        return told

    def _sent_by_others(self, batch: Sequence[Judged]) -> list[tuple[str, Entry]]:
        """What others have sent before it was taken here; it is said again.

        Compaction keeps the last record of a letter, and that would be the one that took it.
        """
        entries = [(each.letter.name, self._ledger.entry(each.letter)) for each in batch]
        return [(n, e) for n, e in entries if e is not None and e.state is State.SENT]

    async def _taken(self, batch: Sequence[Judged]) -> dict[str, Entry]:
        """Take the letters of a batch, so that no other run sends them meanwhile."""
        for _ in range(_TRIES):
            began_ms = wall_ms()
            entries = {each.letter.name: self._entry(each.letter) for each in batch}
            await self._log.append(list(entries.items()))
            # What took longer to be taken may be somebody else's by now; it is taken anew.
            if wall_ms() - began_ms < self._ledger.lease_ms / 2:
                return entries
        msg = f"Kafka took longer than {self._ledger.lease_ms / 2000:g} s over a few records"
        raise TimeoutError(msg)

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
            entry = self._ledger.entry(letter)
            is_sent = entry is not None and entry.state is State.SENT
            fate = Fate.ALREADY_SENT if is_sent else Fate.HELD
            return replace(judged, fate=fate, note="another run was first to take it")
        newer = await self._targets.newer(letter)
        if newer is None:
            return judged
        note = f"a later message of the same key came to offset {newer.offset}; that one counts"
        return replace(judged, fate=Fate.SUPERSEDED, note=note)

    async def _send(self, judged: Judged, entry: Entry) -> Delivery:
        partition = self._targets.partition(judged.letter)
        return await self._post.send(
            restored(judged.letter, judged.value, partition=partition, attempt=entry.attempt)
        )
