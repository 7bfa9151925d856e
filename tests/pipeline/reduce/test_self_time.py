"""Self time and failing children against the obvious, slow way of computing them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.reduce.self_time import LONGEST_NS, failed_below, rows_of, self_times

spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(-1, 8)), min_size=1, max_size=12
)


def slow_self_time(intervals: list[tuple[int, int]], parents: list[int], row: int) -> int:
    start, end = intervals[row]
    covered = set()
    for child, parent in enumerate(parents):
        if parent == row:
            covered |= set(range(*intervals[child])) & set(range(start, end))
    return end - start - len(covered)


@given(spans)
def test_self_time_is_the_time_outside_the_union_of_children(
    drawn: list[tuple[int, int, int]],
) -> None:
    intervals = [(start, start + length) for start, length, _ in drawn]
    parents = [min(parent, row - 1) for row, (_, _, parent) in enumerate(drawn)]
    start, end = (np.array(column, np.int64) for column in zip(*intervals, strict=True))
    rows = np.arange(0, len(drawn), 2)
    found = self_times(start, end, np.array(parents, np.int64), rows)
    assert found.tolist() == [slow_self_time(intervals, parents, row) for row in rows.tolist()]


def test_very_long_spans_do_not_overflow() -> None:
    day = 24 * LONGEST_NS
    start = np.zeros(2001, np.int64)
    end = np.full(2001, day)
    parent = np.array([-1] + [0] * 2000, np.int64)
    found = self_times(start, end, parent, np.arange(2001))
    assert found[0] == day - LONGEST_NS  # an hour of it is covered, for all we measure
    assert (found[1:] == day).all()


def slow_failed_below(parents: list[int], internal: list[bool], failed: list[bool]) -> list[bool]:
    below = [False] * len(parents)
    for row, parent in enumerate(parents):
        if not failed[row] or internal[row]:
            continue
        above = parent
        while above >= 0:
            below[above] = True
            if not internal[above]:
                break
            above = parents[above]
    return below


@given(st.lists(st.tuples(st.integers(-1, 8), st.booleans(), st.booleans()), max_size=12))
def test_a_failed_call_is_seen_through_internal_spans_only(
    drawn: list[tuple[int, bool, bool]],
) -> None:
    parents = [min(parent, row - 1) for row, (parent, _, _) in enumerate(drawn)]
    internal = [row[1] for row in drawn]
    failed = [row[2] for row in drawn]
    found = failed_below(
        np.array(parents, np.int64), np.array(internal, np.bool_), np.array(failed, np.bool_)
    )
    assert found.tolist() == slow_failed_below(parents, internal, failed)


def test_a_circle_of_parents_ends() -> None:
    parent = np.array([1, 0], np.int64)
    internal = np.ones(2, np.bool_)
    assert not failed_below(parent, internal, np.ones(2, np.bool_)).any()
    assert self_times(np.zeros(2, np.int64), np.full(2, 9), parent, np.arange(2)).tolist() == [
        0,
        0,
    ]


def test_a_missing_key_has_no_row() -> None:
    none = np.zeros(0, np.uint64)
    assert rows_of(none, np.array([1], np.uint64)).tolist() == [-1]
    assert rows_of(np.array([3], np.uint64), none).tolist() == []
