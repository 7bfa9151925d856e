"""Where every numbered alert ended: read from what Rootline publishes, at its latest revision."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from bench.soak.load import cycle_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The balance of one cycle: every alert sent must be in exactly one place."""

    cycle: int
    sent: int
    in_incidents: int
    set_aside: dict[str, int]
    incidents: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]

    @property
    def balanced(self) -> bool:
        return not self.lost and not self.doubled


@dataclass(slots=True)
class _Incident:
    revision: int = 0
    members: tuple[str, ...] = ()
    merged: bool = False


@dataclass(slots=True)
class Ledger:
    """Applies a revision only if it is higher than the one known, as every consumer must."""

    incidents: dict[str, _Incident] = field(default_factory=dict)
    aside: dict[str, str] = field(default_factory=dict)
    revisions: int = 0
    contradictions: int = 0
    _bytes: dict[tuple[str, int], int] = field(default_factory=dict)

    def incident(self, record: Any) -> None:
        """Take a record of the incidents topic."""
        self.revisions += 1
        row = orjson.loads(record.value)
        known = self.incidents.setdefault(row["incident_id"], _Incident())
        place = (row["incident_id"], row["revision"])
        # One content for each revision, however often it is written.
        if self._bytes.setdefault(place, hash(record.value)) != hash(record.value):
            self.contradictions += 1
        if row["revision"] > known.revision:
            known.revision = row["revision"]
            known.members = tuple(alert["fingerprint"] for alert in row["alerts"])
            known.merged = row["merged_into"] is not None

    def unassigned(self, record: Any) -> None:
        """Take a record of the unassigned topic."""
        reason = dict(record.headers)["rootline.reason"].decode()
        # An alert that was set aside and then resolves is set aside once more.
        self.aside.setdefault(record.key.decode(), reason)

    def account(self, cycle: int, sent: Iterable[str]) -> Account:
        """Strike the balance of one cycle."""
        wanted = set(sent)
        places: Counter[str] = Counter()
        count = 0
        for each in self.incidents.values():
            # A window may still be open when the next storm begins, and take alerts of both.
            own = () if each.merged else [f for f in each.members if cycle_of(f) == cycle]
            count += bool(own)
            places.update(own)
        reasons = {f: self.aside[f] for f in wanted if f in self.aside}
        places.update(reasons.keys())
        return Account(
            cycle=cycle,
            sent=len(wanted),
            in_incidents=sum(1 for f in wanted if places[f] and f not in reasons),
            set_aside=dict(sorted(Counter(reasons.values()).items())),
            incidents=count,
            lost=tuple(sorted(f for f in wanted if not places[f])),
            doubled=tuple(sorted(f for f in wanted if places[f] > 1)),
        )
