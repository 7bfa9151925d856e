"""The series that a metric reducer knows: who they are, their columns, their baselines.

Invariant: at most `series_limit` series have slots; when all are taken the longest silent
sixteenth makes room.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.baseline_bank import BaselineBank
from pipeline.metric_meaning import Direction, MetricClass, Reading
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.packing import Column, pack, unpack
from pipeline.reduce.pairing import Group, Pairs
from pipeline.reduce.roster import NEVER, Roster
from pipeline.reduce.series_columns import SeriesColumns
from pipeline.reduce.series_facts import CODES, DERIVED, SeriesFacts
from schemas.component import Component
from schemas.telemetry import Labels

Place = tuple[str, Component]
"""An environment and a component in it."""

IGNORED = -1
_FIRST_CAPACITY = 1024
_SIGNS = {Direction.UP: 1, Direction.DOWN: -1, Direction.BOTH: 0}
_DAY_S = 86_400.0
_CERTIFICATE = (14 * _DAY_S, 14 * _DAY_S / 3)
"""Centre and scale of seconds left: z is -3 when nothing is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreState:
    """A snapshot of the store."""

    facts: list[SeriesFacts | None]
    ignored: list[tuple[str, Labels]]
    columns: dict[str, Column]
    bank: dict[str, Column]
    places: list[Place]
    place_times: dict[str, Column]
    targets: list[tuple[int, str]]
    target_times: dict[str, Column]
    groups: list[Group]
    nodes: dict[int, Component]
    evicted: int
    free: list[int] = field(default_factory=list)


class SeriesStore:
    """Slots of series, found by name and labels."""

    def __init__(self, config: ReduceConfig) -> None:
        self._config = config
        capacity = min(_FIRST_CAPACITY, config.series_limit)
        self.columns = SeriesColumns(capacity, config.history_panes)
        self.bank = BaselineBank(config.baseline, capacity)
        self.index: dict[tuple[str, Labels], int] = {}
        self.facts: list[SeriesFacts | None] = []
        self.places: Roster[Place] = Roster()
        self.targets: Roster[tuple[int, str]] = Roster()
        self.pairs = Pairs()
        self.nodes: dict[int, Component] = {}
        self.environments: list[str] = []
        self._environment_of = np.zeros(0, np.int64)
        self.evicted = 0
        self._ignored = 0
        self._free: list[int] = []

    @property
    def environment_of(self) -> NDArray[np.int64]:
        """Return the place in `environments` of every place's environment."""
        if len(self._environment_of) != len(self.places):
            numbers = {name: number for number, name in enumerate(self.environments)}
            for name, _ in self.places.members:
                numbers.setdefault(name, len(numbers))
            self.environments = list(numbers)
            found = [numbers[name] for name, _ in self.places.members]
            self._environment_of = np.array(found, np.int64)
        return self._environment_of

    def in_environment(self, environment: str) -> NDArray[np.bool_]:
        """Say of every place whether it is in an environment."""
        numbers = self.environment_of
        if environment not in self.environments:
            return np.zeros(max(len(numbers), 1), np.bool_)
        here = numbers == self.environments.index(environment)
        return here if len(here) else np.zeros(1, np.bool_)

    def fact(self, slot: int) -> SeriesFacts:
        """Return the facts of a slot in use."""
        facts = self.facts[slot]
        assert facts is not None, f"slot {slot} is empty"
        return facts

    def ignore(self, key: tuple[str, Labels], mark: int = IGNORED) -> int:
        """Remember that a series has no slot; a mark below IGNORED says why."""
        if self._ignored >= self._config.series_limit:
            self.index = {k: slot for k, slot in self.index.items() if slot >= 0}
            self._ignored = 0
        self._ignored += 1
        self.index[key] = mark
        return mark

    def open(self, facts: SeriesFacts, pane: int) -> int:
        """Give a new series a slot, or none if its reading is not for us."""
        key = (facts.name, facts.labels)
        place = (facts.environment, facts.component)
        full = len(self.places) >= self._config.component_limit
        if facts.meaning.reading is Reading.IGNORED or (full and self.places.find(place) is None):
            return self.ignore(key)
        slot = self._take(facts)
        if slot == IGNORED:
            return IGNORED  # for now: there may be room the next time
        self.index[key] = slot
        self.pairs.join(slot, facts, self.fact, self._take)
        self._presume_zero(slot, facts, pane)
        return slot

    def _take(self, facts: SeriesFacts) -> int:
        slot = self._vacant()
        if slot < 0:
            return IGNORED
        columns, meaning = self.columns, facts.meaning
        columns.clear(slot)
        self.facts[slot] = facts
        place = self.places.add((facts.environment, facts.component))
        columns.live[slot] = True
        columns.reading[slot] = DERIVED if facts.derived else CODES[meaning.reading]
        columns.sign[slot] = _SIGNS[meaning.direction]
        columns.judged[slot] = facts.judged
        columns.companion[slot] = facts.companion
        columns.watched[slot] = facts.watched
        columns.component[slot] = place
        columns.target[slot] = self.targets.add((place, facts.target))
        self.bank.reset(slot, meaning.floor)
        if meaning.reading is Reading.EXPIRY:
            self.bank.pin(slot, *_CERTIFICATE)
        return slot

    def _presume_zero(self, slot: int, facts: SeriesFacts, pane: int) -> None:
        """Count from zero what fails for the first time late in its target's life.

        A counter of errors often appears with its first error. Its target has been seen without
        it, so it was zero; that is its baseline, and its first value is an increase.
        """
        if facts.meaning.metric_class is not MetricClass.ERRORS or self.evicted:
            return
        if facts.meaning.reading not in (Reading.RATE, Reading.DELTA):
            return
        target = int(self.columns.target[slot])
        first_ms, pane_ms = int(self.targets.first_ms[target]), self._config.pane_ms
        if first_ms == NEVER or pane - first_ms // pane_ms < self._config.baseline.warm_up:
            return
        self.columns.last_value[slot] = 0.0
        self.columns.last_ms[slot] = int(self.targets.last_ms[target]) - pane_ms
        zero, at = np.array([slot]), np.array([first_ms])
        for _ in range(self._config.baseline.warm_up):
            self.bank.update(zero, np.zeros(1), at)

    def _vacant(self) -> int:
        if self._free:
            return self._free.pop()
        if len(self.facts) >= self._config.series_limit:
            self._evict()
            return self._free.pop() if self._free else -1
        if len(self.facts) == len(self.columns):
            capacity = min(2 * len(self.columns), self._config.series_limit)
            self.columns.grow(capacity)
            self.bank.grow(capacity)
        self.facts.append(None)
        return len(self.facts) - 1

    def _evict(self) -> None:
        columns = self.columns
        # A series that was opened just now has not had its say yet.
        slots = np.flatnonzero(columns.live & (columns.last_ms > NEVER))
        order = np.lexsort((slots, columns.last_ms[slots]))
        gone = slots[order[: max(1, self._config.series_limit // 16)]]
        flags = np.zeros(len(columns), np.bool_)
        flags[gone] = True
        for slot in gone.tolist():
            facts = self.fact(slot)
            if not facts.derived:
                del self.index[(facts.name, facts.labels)]
            self.facts[slot] = None
            columns.clear(slot)
        self.pairs.forget(flags)
        self._free.extend(sorted(gone.tolist(), reverse=True))
        self.evicted += len(gone)
        self._compact()

    def _compact(self) -> None:
        """Forget targets and components that no series is left of."""
        columns = self.columns
        slots = np.flatnonzero(columns.live)
        self.targets, target = self.targets.compact(columns.target[slots])
        columns.target[slots] = target[columns.target[slots]]
        moved = ((int(target[old]), node) for old, node in self.nodes.items())
        self.nodes = {new: node for new, node in moved if new >= 0}
        self.places, place = self.places.compact(columns.component[slots])
        columns.component[slots] = place[columns.component[slots]]
        renamed = [(int(place[old]), name) for old, name in self.targets.members]
        self.targets = Roster.of(renamed, self.targets.columns())
        self._environment_of = np.zeros(0, np.int64)

    def state(self) -> StoreState:
        """Freeze everything."""
        high = len(self.facts)
        bank = {name: getattr(self.bank, name)[:high] for name in self.bank.COLUMNS}
        return StoreState(
            facts=self.facts,
            ignored=[key for key, slot in self.index.items() if slot == IGNORED],
            columns=pack({n: a[:high] for n, a in self.columns.arrays().items()}),
            bank=pack(bank),
            places=self.places.members,
            place_times=pack(self.places.columns()),
            targets=self.targets.members,
            target_times=pack(self.targets.columns()),
            groups=list(self.pairs.groups.values()),
            nodes=self.nodes,
            evicted=self.evicted,
            free=self._free,
        )

    def restore(self, state: StoreState) -> None:
        """Take over a snapshot."""
        self.facts = list(state.facts)
        self.index = dict.fromkeys(state.ignored, IGNORED)
        self._ignored = len(self.index)
        for slot, facts in enumerate(self.facts):
            if facts is not None and not facts.derived:
                self.index[(facts.name, facts.labels)] = slot
        capacity = max(len(self.facts), min(_FIRST_CAPACITY, self._config.series_limit))
        self.columns.restore(unpack(state.columns))
        self.columns.grow(capacity)
        for name, array in unpack(state.bank).items():
            setattr(self.bank, name, array)
        self.bank.grow(capacity)
        self.places = Roster.of(state.places, unpack(state.place_times))
        self.targets = Roster.of(state.targets, unpack(state.target_times))
        self.pairs = Pairs(state.groups)
        self.nodes = dict(state.nodes)
        self.evicted = state.evicted
        self._free = list(state.free)
