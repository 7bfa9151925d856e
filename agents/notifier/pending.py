"""Revisions that wait for one receiver: of each incident the newest, in order of arrival.

A newer revision takes the place of an older one, so what is told after an outage is one message
about how things stand. Offsets may be committed up to the oldest revision that still waits.
"""

import asyncio
from dataclasses import dataclass

from agents.worker.stage import Incoming
from schemas.incident import Incident


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Item:
    """A revision and the consumed record it came in."""

    incident: Incident
    record: Incoming

    @property
    def published_ms(self) -> int | None:
        """When Kafka got it; None if the record does not say."""
        return self.record.timestamp if self.record.timestamp >= 0 else None


class Pending:
    """The waiting revisions, at most `limit` incidents."""

    def __init__(self, limit: int) -> None:
        # Set whenever there may be something new to do.
        self.changed = asyncio.Event()
        self._limit = limit
        self._items: dict[str, Item] = {}
        self._not_before: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._items)

    @property
    def is_full(self) -> bool:
        """Tell whether reading has to pause."""
        return len(self._items) >= self._limit

    def put(self, item: Item) -> None:
        """Let a revision wait, unless one at least as new already does."""
        name = item.incident.incident_id
        waiting = self._items.get(name)
        if waiting is not None and waiting.incident.revision >= item.incident.revision:
            return
        self._items[name] = item
        # A newer revision may be due at once, for example because it tells the end.
        self._not_before.pop(name, None)
        self.changed.set()

    def get(self, incident_id: str) -> Item | None:
        """Return the waiting revision of an incident."""
        return self._items.get(incident_id)

    def due(self, now_ms: int) -> Item | None:
        """Return the first revision that may be told now."""
        return next(
            (item for name, item in self._items.items() if self._due_at(name) <= now_ms), None
        )

    def next_due_ms(self) -> int | None:
        """Return when the earliest revision may be told."""
        return min(map(self._due_at, self._items), default=None)

    def _due_at(self, incident_id: str) -> int:
        return self._not_before.get(incident_id, 0)

    def defer(self, item: Item, until_ms: int) -> None:
        """Let a revision wait for its time; others pass it."""
        if self._items.get(item.incident.incident_id) is item:
            self._not_before[item.incident.incident_id] = until_ms

    def finish(self, item: Item) -> None:
        """Take a revision off; a newer one that came meanwhile stays."""
        name = item.incident.incident_id
        if self._items.get(name) is item:
            del self._items[name]
            self._not_before.pop(name, None)

    def forget(self) -> None:
        """Drop everything: the partitions go to another worker, or come again."""
        self._items.clear()
        self._not_before.clear()

    def oldest_offset(self, partition: int) -> int | None:
        """Return the lowest offset of a partition that still waits."""
        offsets = (
            item.record.offset
            for item in self._items.values()
            if item.record.partition == partition
        )
        return min(offsets, default=None)
