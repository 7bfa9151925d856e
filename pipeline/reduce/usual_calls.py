"""Which callees the requests of an operation usually go on to: learnt shares, and who falls short.

Part of the span reducer. A share is conditional on the component and the operation it was asked
for, so a change of the traffic's mix moves none. Learnt from panes that are over for a while, in
their order, so that what is learnt depends neither on the order of spans nor on a fresh fault.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.span_rows import NOBODY, mix

Ids = NDArray[np.int64]
Keys = NDArray[np.uint64]

REQUEST = NOBODY
"""In place of a callee: the request itself."""
WHOLE = 1_000_000
"""Shares are whole millionths, so that sums of them are exact in any order."""
ALWAYS = 900_000
"""Share from which a request without the call has broken off."""
_USUAL = 500_000
"""Share from which a call is usual: that most requests make. Where each request makes one of many
calls (a gateway with one name for all), the share of each says how traffic is mixed, not more."""
_DELAY_SECONDS = 120
"""A pane is learnt when it is over for this long, so that a fault is seen before it is learnt."""
_HALF_LIFE_SECONDS = 1800
_WARM_REQUESTS = 10.0
_OPERATION_LIMIT = 32
"""Operations per component; the longest idle makes room for a new one after an hour."""
_IDLE_SECONDS = 3600
_CALLEE_LIMIT = 32
_PANE_LIMIT = 64
_HABIT_LIMIT = 50_000


@dataclass(slots=True, kw_only=True)
class Habit:
    """One operation of one component: decayed counts, the shares made of them, panes to learn."""

    operation: int
    component: int
    last_pane: int
    requests: float = 0.0
    calls: dict[int, float] = field(default_factory=dict)
    usual: dict[int, int] = field(default_factory=dict)
    panes: dict[int, dict[int, int]] = field(default_factory=dict)

    def count(self, pane: int, callee: int, count: int) -> None:
        """Note requests, or that requests went on to a callee, until the pane is learnt."""
        if pane not in self.panes and len(self.panes) >= _PANE_LIMIT:
            return
        counts = self.panes.setdefault(pane, {})
        if callee in counts or len(counts) <= _CALLEE_LIMIT:
            counts[callee] = counts.get(callee, 0) + count

    def learn(self, until_pane: int, keep: float) -> None:
        """Learn the panes before one; what was learnt earlier keeps a share of its weight."""
        due = sorted(pane for pane in self.panes if pane < until_pane)
        for pane in due:
            counts = self.panes.pop(pane)
            self.requests = self.requests * keep + counts.pop(REQUEST, 0)
            for callee in sorted(self.calls.keys() | counts.keys()):
                self.calls[callee] = self.calls.get(callee, 0.0) * keep + counts.get(callee, 0)
        if due:
            ranked = sorted(self.calls.items(), key=lambda item: (-item[1], item[0]))
            self.calls = dict(ranked[:_CALLEE_LIMIT])
            self.usual = self._shares() if self.requests >= _WARM_REQUESTS else {}

    def _shares(self) -> dict[int, int]:
        shares = {c: min(WHOLE, round(WHOLE * n / self.requests)) for c, n in self.calls.items()}
        return {callee: share for callee, share in shares.items() if share >= _USUAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualState:
    """A snapshot of the habits."""

    habits: list[Habit]
    learnt_pane: int


class UsualCalls:
    """The habits of all components, by operation key (a mix of component and name)."""

    def __init__(self, pane_seconds: int) -> None:
        self._pane_seconds = pane_seconds
        self._keep = 0.5 ** (pane_seconds / _HALF_LIFE_SECONDS)
        self._habits: dict[int, Habit] = {}
        self._of: dict[int, list[int]] = {}
        self._learnt_pane = 0

    def usual(self, operation: int) -> dict[int, int]:
        """Return the share of an operation's requests that go on to each usual callee."""
        habit = self._habits.get(operation)
        return habit.usual if habit is not None else {}

    def count(
        self, component: Ids, operation: Keys, pane: Ids, callee: Ids
    ) -> dict[tuple[int, int, int], tuple[int, int]]:
        """Count requests (callee REQUEST) and the callees that requests went on to.

        Returns:
            By (caller, callee, pane): calls that were to be expected in millionths, calls made.
        """
        marks = mix(mix(operation, pane.astype(np.uint64)), callee.astype(np.uint64))
        _, first, counts = np.unique(marks, return_index=True, return_counts=True)
        said: dict[tuple[int, int, int], tuple[int, int]] = {}
        order = np.argsort(first)
        at = first[order]
        columns = (column[at].tolist() for column in (component, operation, pane, callee))
        for caller, asked, when, whom, count in zip(*columns, counts[order].tolist(), strict=True):
            habit = self._habit(caller, asked, when)
            if habit is None:
                continue
            if when >= self._learnt_pane:
                habit.count(when, whom, count)
            if whom != REQUEST and whom in habit.usual:
                expected, made = said.get((caller, whom, when), (0, 0))
                said[(caller, whom, when)] = (expected, made + count)
            elif whom == REQUEST:
                for usual, share in habit.usual.items():
                    expected, made = said.get((caller, usual, when), (0, 0))
                    said[(caller, usual, when)] = (expected + share * count, made)
        return said

    def learn(self, event_ms: int) -> None:
        """Learn the panes that are over for long enough."""
        until = (event_ms // 1000 - _DELAY_SECONDS) // self._pane_seconds
        if until > self._learnt_pane:
            self._learnt_pane = until
            for habit in self._habits.values():
                habit.learn(until, self._keep)

    def state(self) -> UsualState:
        """Freeze the habits."""
        return UsualState(habits=list(self._habits.values()), learnt_pane=self._learnt_pane)

    def restore(self, state: UsualState) -> None:
        """Take over a snapshot."""
        self._habits = {habit.operation: habit for habit in state.habits}
        self._of = {}
        for habit in state.habits:
            self._of.setdefault(habit.component, []).append(habit.operation)
        self._learnt_pane = state.learnt_pane

    def _habit(self, component: int, operation: int, pane: int) -> Habit | None:
        habit = self._habits.get(operation)
        if habit is None:
            known = self._of.setdefault(component, [])
            if len(known) >= _OPERATION_LIMIT and not self._make_room(known, pane):
                return None
            if len(self._habits) >= _HABIT_LIMIT:
                return None
            habit = Habit(operation=operation, component=component, last_pane=pane)
            self._habits[operation] = habit
            known.append(operation)
        habit.last_pane = max(habit.last_pane, pane)
        return habit

    def _make_room(self, known: list[int], pane: int) -> bool:
        idlest = min(known, key=lambda operation: self._habits[operation].last_pane)
        if self._habits[idlest].last_pane >= pane - _IDLE_SECONDS // self._pane_seconds:
            return False
        known.remove(idlest)
        del self._habits[idlest]
        return True
