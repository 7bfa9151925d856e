"""Figures that say how well alerts were grouped; pure functions of whose is what.

`truth` says which fault an alert belongs to, `found` which incident it ended in. Every alert that
is noise, or ended in no incident, is a group of its own; it is marked by None.
"""

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

Labels = Sequence[Hashable | None]

MIN_PRECISION = 0.95
"""Pairwise precision below which reduction is not given: one giant incident would win it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupingFigures:
    """How well the alerts of one storm were grouped; NaN where there is nothing to judge.

    `noise_kept_out` is the share of noise alerts that ended in no incident of a fault.
    `reduction` is None where pairwise precision is below `MIN_PRECISION`.
    """

    alerts: int
    faults: int
    incidents: int
    ari: float
    bcubed_precision: float
    bcubed_recall: float
    pairwise_precision: float
    split_rate: float
    merge_rate: float
    missed: int
    split_faults: int
    merged_incidents: int
    noise_alerts: int
    noise_kept_out: float
    reduction: float | None


def judge(truth: Labels, found: Labels) -> GroupingFigures:
    """Give all figures of one storm."""
    precision = pairwise_precision(truth, found)
    return GroupingFigures(
        alerts=len(truth),
        faults=len({t for t in truth if t is not None}),
        incidents=len({f for f in found if f is not None}),
        ari=ari(truth, found),
        bcubed_precision=bcubed_precision(truth, found),
        bcubed_recall=bcubed_recall(truth, found),
        pairwise_precision=precision,
        split_rate=split_rate(truth, found),
        merge_rate=merge_rate(truth, found),
        missed=missed(truth, found),
        split_faults=sum(len(i) > 1 for i in _places(truth, found).values()),
        merged_incidents=sum(len(f) > 1 for f in _places(found, truth).values()),
        noise_alerts=sum(t is None for t in truth),
        noise_kept_out=noise_kept_out(truth, found),
        reduction=reduction(found) if not precision < MIN_PRECISION else None,
    )


def ari(truth: Labels, found: Labels) -> float:
    """Give the adjusted Rand index: agreement on pairs, 0 by chance, 1 when the groups are equal.

    (S - E) / (M - E) where S counts the pairs together in both, E = A * B / all pairs is what
    chance gives, M = (A + B) / 2, and A, B count the pairs together in each (Hubert and Arabie
    1985). Worked: truth a a b b, found x x x y: S = 1, A = 2, B = 3, E = 1, so 0.

    >>> ari(["a", "a", "b", "b"], ["x", "x", "y", "y"])
    1.0
    >>> ari(["a", "a", "b", "b"], ["x", "x", "x", "y"])
    0.0
    """
    if not truth:
        return math.nan
    one, two = _alone(truth), _alone(found)
    both = _pairs(Counter(zip(one, two, strict=True)))
    first, second = _pairs(Counter(one)), _pairs(Counter(two))
    everything = math.comb(len(one), 2)
    chance = first * second / everything if everything else 0.0
    most = (first + second) / 2
    # Two groupings of singles only, or of one group only, are the same grouping.
    return 1.0 if most == chance else (both - chance) / (most - chance)


def bcubed_precision(truth: Labels, found: Labels) -> float:
    """Give the mean, over alerts, of how much of its incident is of its own fault.

    Worked: truth a a b, found x x x: (2/3 + 2/3 + 1/3) / 3 = 5/9.

    >>> round(bcubed_precision(["a", "a", "b"], ["x", "x", "x"]), 4)
    0.5556
    """
    if not truth:
        return math.nan
    one, two = _alone(truth), _alone(found)
    both, whole = Counter(zip(one, two, strict=True)), Counter(two)
    shares = [both[t, f] / whole[f] for t, f in zip(one, two, strict=True)]
    return math.fsum(shares) / len(shares)


def bcubed_recall(truth: Labels, found: Labels) -> float:
    """Give the mean, over alerts, of how much of its fault is in its own incident.

    Worked: truth a a b, found x y y: (1/2 + 1/2 + 1) / 3 = 2/3.

    >>> round(bcubed_recall(["a", "a", "b"], ["x", "y", "y"]), 4)
    0.6667
    """
    return bcubed_precision(found, truth)


def pairwise_precision(truth: Labels, found: Labels) -> float:
    """Give the share of pairs in one incident that are of one fault; NaN without a pair.

    Worked: truth a a b, found x x x: of three pairs one is of one fault.

    >>> round(pairwise_precision(["a", "a", "b"], ["x", "x", "x"]), 4)
    0.3333
    """
    one, two = _alone(truth), _alone(found)
    together = _pairs(Counter(two))
    both = _pairs(Counter(zip(one, two, strict=True)))
    return both / together if together else math.nan


def split_rate(truth: Labels, found: Labels) -> float:
    """Give the mean number of incidents over the faults that have any; 1 is perfect.

    >>> split_rate(["a", "a", "b"], ["x", "y", "y"])
    1.5
    """
    return _mean([len(incidents) for incidents in _places(truth, found).values()])


def merge_rate(truth: Labels, found: Labels) -> float:
    """Give the mean number of faults over the incidents that have any; 1 is perfect.

    >>> merge_rate(["a", "a", "b", None], ["x", "y", "y", "z"])
    1.5
    """
    return _mean([len(faults) for faults in _places(found, truth).values()])


def missed(truth: Labels, found: Labels) -> int:
    """Count the faults of which no alert is in an incident.

    >>> missed(["a", "a", "b"], ["x", None, None])
    1
    """
    return len({t for t in truth if t is not None} - _places(truth, found).keys())


def noise_kept_out(truth: Labels, found: Labels) -> float:
    """Give the share of noise alerts that are in no incident that has alerts of a fault.

    >>> noise_kept_out(["a", None, None], ["x", "x", "y"])
    0.5
    """
    of_faults = _places(found, truth)
    noise = [f for t, f in zip(truth, found, strict=True) if t is None]
    return _mean([f not in of_faults for f in noise])


def reduction(found: Labels) -> float:
    """Give 1 - incidents / alerts: how much less there is to look at; what is alone counts once.

    >>> reduction(["x", "x", "x", None])
    0.5
    """
    return 1.0 - len(set(_alone(found))) / len(found) if found else math.nan


def _alone(labels: Labels) -> list[Hashable]:
    """Give every None a group of its own."""
    return [("alone", i) if label is None else ("group", label) for i, label in enumerate(labels)]


def _places(of: Labels, within: Labels) -> Mapping[Hashable, set[Hashable]]:
    """Return, for each group, in which groups of the other grouping its members are."""
    places: dict[Hashable, set[Hashable]] = {}
    for label, place in zip(of, within, strict=True):
        if label is not None and place is not None:
            places.setdefault(label, set()).add(place)
    return places


def _pairs(sizes: Mapping[Hashable, int]) -> int:
    return sum(math.comb(n, 2) for n in sizes.values())


def _mean(numbers: Sequence[float]) -> float:
    return math.fsum(numbers) / len(numbers) if numbers else math.nan
