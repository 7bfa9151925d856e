"""When each group needs attention next: a heap that forgets stale entries lazily.

Derived from the groups, so it is rebuilt on restore and never snapshot.
"""

import heapq
from collections.abc import Callable, Iterable

from pipeline.incident_state import Group


class Agenda:
    """Next due time by group; `touch` after every change of a group."""

    def __init__(self, due_ms: Callable[[Group], int]) -> None:
        self._due_ms = due_ms
        self._due: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def touch(self, group: Group) -> None:
        """Note that a group changed."""
        due = self._due_ms(group)
        if self._due.get(group.incident_id) != due:
            self._due[group.incident_id] = due
            heapq.heappush(self._heap, (due, group.incident_id))

    def drop(self, incident_id: str) -> None:
        """Forget a group."""
        self._due.pop(incident_id, None)

    def next_due(self) -> int | None:
        """Return the earliest due time, or None when there is no group."""
        while self._heap and self._is_stale(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due_at(self, now_ms: int) -> list[str]:
        """Return the ids of all groups that are due by now, each once, in no promised order."""
        found: list[str] = []
        while (due := self.next_due()) is not None and due <= now_ms:
            _, incident_id = heapq.heappop(self._heap)
            del self._due[incident_id]
            found.append(incident_id)
        return found

    def rebuild(self, groups: Iterable[Group]) -> None:
        """Start anew from these groups."""
        self._due, self._heap = {}, []
        for group in groups:
            self.touch(group)

    def _is_stale(self, entry: tuple[int, str]) -> bool:
        return self._due.get(entry[1]) != entry[0]
