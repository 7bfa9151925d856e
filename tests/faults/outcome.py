"""What a run left behind, as plain data, and what of it must be the same in every run. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

# When an answer was made, and how often before, may differ: after an outage fewer revisions lie
# between the first and the last. What the last one says may not.
_MAY_DIFFER = frozenset(
    {"revision", "changed", "updated_at", "detected_at", "graph_version", "firing"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One record of the incidents topic."""

    incident_id: str
    revision: int
    transition: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """One record of the unassigned topic."""

    environment: str
    fingerprint: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One chat message that the receiver took."""

    incident_id: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything that a run left behind, repeats included.

    Attributes:
        revisions: the incidents topic, in the order of each incident's partition.
        set_aside: the unassigned topic.
        told: what the chat receiver took.
        openings: the (incident id, revision) that the notifier told as opened.
        acknowledged: the numbers of the inputs that the broker acknowledged.
        read: the numbers that a plain client read from the same topics, repeats included.
        beats: (environment, beat) of every pulse that was acknowledged.
        answered: those that came out at the other end.
        dead_letters: the (topic, partition, offset) that dead letters name.
        poisoned: where messages were put that nobody can use.
    """

    revisions: tuple[Revision, ...]
    set_aside: tuple[SetAside, ...]
    told: tuple[Told, ...]
    openings: tuple[Told, ...]
    acknowledged: frozenset[int]
    read: tuple[int, ...]
    beats: frozenset[tuple[str, int]]
    answered: frozenset[tuple[str, int]]
    dead_letters: frozenset[tuple[str, int, int]] = frozenset()
    poisoned: frozenset[tuple[str, int, int]] = frozenset()

    def final(self) -> dict[str, dict[str, Any]]:
        """Return the highest revision of each incident, read as a consumer reads it."""
        highest: dict[str, Revision] = {}
        for each in self.revisions:
            known = highest.get(each.incident_id)
            if known is None or each.revision > known.revision:
                highest[each.incident_id] = each
        return {name: orjson.loads(each.value) for name, each in sorted(highest.items())}

    def repeats(self) -> int:
        """How many incident records were there more than once."""
        return len(self.revisions) - len({(r.incident_id, r.revision) for r in self.revisions})

    def copies(self) -> int:
        """How many chat messages came again under the same idempotency key."""
        return sum(count - 1 for count in Counter(self.told).values())


def members(incident: Mapping[str, Any]) -> tuple[str, ...]:
    """Return who belongs to an incident."""
    return tuple(sorted(alert["fingerprint"] for alert in incident["alerts"]))


def answer(incident: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an incident says at its end.

    >>> answer({"title": "t", "revision": 7})
    {'title': 't'}
    """
    return {key: value for key, value in incident.items() if key not in _MAY_DIFFER}
