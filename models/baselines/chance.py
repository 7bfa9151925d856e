"""Guessing: all candidates tie, so the expectation over ties is the arithmetic of chance."""

from models.baselines.case import BaselineCase, Scores


def chance(case: BaselineCase) -> Scores:
    """Score everybody alike."""
    return dict.fromkeys(case.candidates, 0.0)
