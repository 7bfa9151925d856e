"""The earliest first alert of the windows that are open, kept as groups come, grow and close.

An alert asks for it; with thousands of groups a look at each would cost a storm its pace. A window
that has closed stays closed, and a group's first alert only ever moves back: so a heap, cleared of
what no longer holds when it comes to the top, gives what a search through all would find.
"""

import heapq
from collections.abc import Mapping

from pipeline.incident_state import Group


class Anchors:
    """Told of every group that is new or has grown."""

    def __init__(self, groups: Mapping[str, Group]) -> None:
        self._groups = groups
        self._heap: list[tuple[int, str]] = []
        self._known: dict[str, int] = {}

    def note(self, group: Group) -> None:
        """Take note of a group whose first alert may be another than before."""
        if self._known.get(group.incident_id) != group.first_ms:
            self._known[group.incident_id] = group.first_ms
            heapq.heappush(self._heap, (group.first_ms, group.incident_id))

    def forget(self, group: Group) -> None:
        """Take note that a group is gone; its place in the heap goes when it comes to the top."""
        self._known.pop(group.incident_id, None)

    def earliest(self) -> int | None:
        """Return the earliest first alert of an open window, None when none is open."""
        while self._heap:
            first_ms, incident_id = self._heap[0]
            group = self._groups.get(incident_id)
            if group is not None and group.first_ms == first_ms and _is_open(group):
                return first_ms
            heapq.heappop(self._heap)
        return None


def _is_open(group: Group) -> bool:
    return group.is_active and not group.window_closed
