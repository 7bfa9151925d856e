"""Which alert is forgotten first when there is no room for another: a heap that is kept lazily.

The order is that of a search through all records: those that do not fire first, then the one seen
longest ago, then by fingerprint. Only the search is saved, which would cost a storm its pace.
"""

import heapq
from collections.abc import Mapping
from typing import Protocol

_SPARE = 4


class Seen(Protocol):
    """What matters of a record."""

    seen_ms: int

    @property
    def is_firing(self) -> bool: ...  # noqa: D102 - as the record has it


class Quietest:
    """Made when first asked for; from then on told of every change."""

    def __init__(self, records: Mapping[str, Seen]) -> None:
        self._records = records
        self._heap = self._rebuilt()

    def note(self, fingerprint: str) -> None:
        """Take note that a record is new or has changed."""
        if len(self._heap) > _SPARE * (len(self._records) + 1):
            self._heap = self._rebuilt()
        heapq.heappush(self._heap, self._place(fingerprint))

    def first(self) -> str:
        """Return the fingerprint that goes first; there must be one."""
        while True:
            place = self._heap[0]
            fingerprint = place[2]
            # What has changed since has another place further on.
            if fingerprint in self._records and self._place(fingerprint) == place:
                return fingerprint
            heapq.heappop(self._heap)

    def _place(self, fingerprint: str) -> tuple[bool, int, str]:
        record = self._records[fingerprint]
        return record.is_firing, record.seen_ms, fingerprint

    def _rebuilt(self) -> list[tuple[bool, int, str]]:
        heap = [self._place(fingerprint) for fingerprint in self._records]
        heapq.heapify(heap)
        return heap
