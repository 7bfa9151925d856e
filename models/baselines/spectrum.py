"""Spectrum analysis of traces, as MicroRank (WWW 2021) does, without its PageRank weights."""

import math

from models.baselines.case import BaselineCase, Scores


def spectrum(case: BaselineCase) -> Scores | None:
    """Score by Ochiai: bad traces through it, over sqrt(all bad * all traces through it)."""
    visits = case.visits
    if visits is None or not visits.all_bad:
        return None
    return {
        name: ochiai(visits.bad.get(name, 0), visits.good.get(name, 0), visits.all_bad)
        for name in case.candidates
    }


def ochiai(bad: int, good: int, all_bad: int) -> float:
    """Give Ochiai's coefficient.

    >>> ochiai(4, 0, 4), ochiai(2, 6, 4)
    (1.0, 0.35355339059327373)
    """
    through = bad + good
    return bad / math.sqrt(all_bad * through) if through else 0.0
