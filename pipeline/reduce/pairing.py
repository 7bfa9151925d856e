"""Series that say something only together: a histogram's _sum and _count, used and limit.

Each complete group yields derived series (their mean, their ratio) with slots of their own.
Invariant: a derived series' pane never goes back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.metric_class import USAGE_FLOOR, normalised
from pipeline.metric_meaning import Direction, MetricClass, Reading
from pipeline.reduce.series_columns import SeriesColumns
from pipeline.reduce.series_facts import SeriesFacts

MEAN = "mean"


@dataclass(slots=True, kw_only=True)
class Group:
    """Series with the same key: the slot of the limit (or _count), the used ones by metric name.

    `derived` holds the slot of the derived series by the name of the used metric.
    """

    key: tuple[str, ...]
    limit: int = -1
    limit_name: str = ""
    used: dict[str, list[int]] = field(default_factory=dict)
    derived: dict[str, int] = field(default_factory=dict)

    @property
    def is_mean(self) -> bool:
        """Say whether it is a _sum and a _count, rather than used and limit."""
        return self.key[0] == MEAN


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wiring:
    """The groups as arrays: a row per derived series, and a row per member of one."""

    slot: NDArray[np.int64]
    limit: NDArray[np.int64]
    is_mean: NDArray[np.bool_]
    member: NDArray[np.int64]
    member_of: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """Derived panes, totals so far: value = sum / weight."""

    slots: NDArray[np.int64]
    panes: NDArray[np.int64]
    sums: NDArray[np.float64]
    weights: NDArray[np.float64]
    samples: NDArray[np.int64]
    last_ms: NDArray[np.int64]


class Pairs:
    """The groups of one reducer."""

    def __init__(self, groups: list[Group] | None = None) -> None:
        self.groups: dict[tuple[str, ...], Group] = {g.key: g for g in groups or ()}
        self._wiring: _Wiring | None = None

    def join(
        self,
        slot: int,
        facts: SeriesFacts,
        facts_at: Callable[[int], SeriesFacts],
        open_derived: Callable[[SeriesFacts], int],
    ) -> None:
        """Put a new series into its group; open the derived series that became possible."""
        found = _key_and_role(facts)
        if found is None:
            return
        key, is_limit = found
        group = self.groups.setdefault(key, Group(key=key))
        if is_limit:
            if group.limit >= 0:
                return
            group.limit = slot
            group.limit_name = facts.name
        else:
            group.used.setdefault(facts.name, []).append(slot)
        self._wiring = None
        if group.limit < 0:
            return
        for name in sorted(group.used.keys() - group.derived.keys()):
            used = facts if not is_limit else facts_at(group.used[name][0])
            made = open_derived(_derived_facts(group, used))
            if made >= 0:
                group.derived[name] = made

    def forget(self, gone: NDArray[np.bool_]) -> None:
        """Let go of evicted slots (a flag per slot)."""
        for key, group in list(self.groups.items()):
            group.used = {
                name: kept
                for name, slots in group.used.items()
                if (kept := [slot for slot in slots if not gone[slot]])
            }
            group.derived = {n: s for n, s in group.derived.items() if not gone[s]}
            if group.limit >= 0 and gone[group.limit]:
                group.limit = -1
            if group.limit < 0 and not group.used:
                del self.groups[key]
        self._wiring = None

    def derive(self, columns: SeriesColumns, touched: NDArray[np.int64]) -> Derivation | None:
        """Compute the derived panes that some touched series take part in."""
        wiring = self._wiring or self._wire()
        if not len(wiring.slot) or not len(touched):
            return None
        flags = np.zeros(len(columns), np.bool_)
        flags[touched] = True
        concerned = flags[wiring.limit]
        concerned[wiring.member_of[flags[wiring.member]]] = True
        members = concerned[wiring.member_of]
        if not members.any():
            return None
        return _evaluate(columns, wiring, concerned, members)

    def _wire(self) -> _Wiring:
        slots: list[int] = []
        limits: list[int] = []
        means: list[bool] = []
        members: list[int] = []
        member_of: list[int] = []
        for group in self.groups.values():
            if group.limit < 0:
                continue
            for name, slot in group.derived.items():
                used = group.used.get(name, [])
                members.extend(used)
                member_of.extend([len(slots)] * len(used))
                slots.append(slot)
                limits.append(group.limit)
                means.append(group.is_mean)
        self._wiring = _Wiring(
            slot=np.array(slots, np.int64),
            limit=np.array(limits, np.int64),
            is_mean=np.array(means, np.bool_),
            member=np.array(members, np.int64),
            member_of=np.array(member_of, np.int64),
        )
        return self._wiring


def _evaluate(
    columns: SeriesColumns,
    wiring: _Wiring,
    concerned: NDArray[np.bool_],
    members: NDArray[np.bool_],
) -> Derivation:
    count = len(wiring.slot)
    slot, of = wiring.member[members], wiring.member_of[members]
    pane = np.full(count, -1, np.int64)
    np.maximum.at(pane, of, columns.pane[slot])
    limit_pane = columns.pane[wiring.limit]
    # A mean needs both of its parts from the same pane, a limit stands until it changes.
    pane = np.where(wiring.is_mean, np.minimum(pane, limit_pane), pane)
    at = _read(columns, slot, pane[of])
    weights = np.where(at.weights > 0, at.weights, 1.0)
    # A mean divides increases; a ratio divides the members' own values.
    values = np.where(wiring.is_mean[of], at.sums, at.sums / weights)
    sums = np.bincount(of, values, minlength=count).astype(np.float64)
    samples = np.bincount(of, at.samples, minlength=count).astype(np.int64)
    below = _read(columns, wiring.limit, pane)
    limits = np.where(wiring.is_mean, below.sums, columns.last_value[wiring.limit])
    limits = np.where(np.isfinite(limits) & (limits > 0), limits, 0.0)
    samples += below.samples
    last_ms = columns.last_ms[wiring.limit].copy()
    np.maximum.at(last_ms, of, columns.last_ms[slot])
    chosen = concerned & (pane >= 0) & (pane >= columns.pane[wiring.slot]) & (samples > 0)
    # A limit that is already in a later pane says nothing about this one.
    chosen &= limit_pane <= np.where(wiring.is_mean, limit_pane, pane)
    return Derivation(
        slots=wiring.slot[chosen],
        panes=pane[chosen],
        sums=sums[chosen],
        weights=limits[chosen],
        samples=samples[chosen],
        last_ms=last_ms[chosen],
    )


@dataclass(frozen=True, slots=True)
class _At:
    sums: NDArray[np.float64]
    weights: NDArray[np.float64]
    samples: NDArray[np.int64]


def _read(columns: SeriesColumns, slot: NDArray[np.int64], pane: NDArray[np.int64]) -> _At:
    """Read slots at a pane: the open one or the one before, else nothing."""
    now = columns.pane[slot] == pane
    before = ~now & (columns.before_pane[slot] == pane)
    return _At(
        sums=np.where(now, columns.sum[slot], np.where(before, columns.before_sum[slot], 0.0)),
        weights=np.where(
            now, columns.weight[slot], np.where(before, columns.before_weight[slot], 0.0)
        ),
        samples=np.where(
            now, columns.samples[slot], np.where(before, columns.before_samples[slot], 0)
        ),
    )


def _key_and_role(facts: SeriesFacts) -> tuple[tuple[str, ...], bool] | None:
    meaning = facts.meaning
    base = (facts.environment, facts.component.name)
    if meaning.stem:
        labels = tuple(f"{name}={value}" for name, value in facts.labels)
        return (MEAN, *base, meaning.stem, *labels), normalised(facts.name).endswith("_count")
    if meaning.pairing is None:
        return None
    labels_by_name = {normalised(name): value for name, value in facts.labels}
    scope = tuple(labels_by_name.get(name, "") for name in meaning.pairing.scope)
    return ("ratio", *base, meaning.pairing.key, *scope), meaning.pairing.role == "limit"


def _derived_facts(group: Group, used: SeriesFacts) -> SeriesFacts:
    """Say what the series derived from a used one is."""
    meaning = replace(used.meaning, reading=Reading.LEVEL, pairing=None, holder="", stem="")
    if group.is_mean:
        # The mean of what counts no time is a size or the like: no class of its own.
        if meaning.metric_class is MetricClass.TRAFFIC:
            meaning = replace(meaning, metric_class=MetricClass.OTHER, direction=Direction.BOTH)
        # The floor is one of time spent per second; a single pause may be longer.
        if meaning.metric_class is MetricClass.GC:
            meaning = replace(meaning, floor=meaning.floor * 10)
        stem = used.name.removesuffix("_sum").removesuffix(".sum")
        return replace(used, name=f"{stem}_mean", meaning=meaning, derived=True)
    pairing = used.meaning.pairing
    scope = pairing.scope if pairing else ()
    return replace(
        used,
        name=f"{used.name}/{group.limit_name}",
        labels=tuple(pair for pair in used.labels if normalised(pair[0]) in scope),
        meaning=replace(meaning, floor=USAGE_FLOOR),
        derived=True,
    )
