"""The latency histogram: its error, and that merging loses nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sketch import RELATIVE_ERROR, buckets_of, merge, of, quantile, total

durations = st.lists(st.floats(0.001, 3.6e6), min_size=1, max_size=50)


@given(durations, st.floats(0, 1))
def test_a_quantile_is_within_the_relative_error(values: list[float], q: float) -> None:
    ordered = sorted(values)
    exact = ordered[math.floor(q * (len(ordered) - 1))]
    found = quantile(of(np.array(values)), q)
    assert abs(found - exact) <= exact * (RELATIVE_ERROR + 1e-6)


@given(durations, durations)
def test_merging_sketches_is_the_sketch_of_both(a: list[float], b: list[float]) -> None:
    merged = merge(of(np.array(a)), of(np.array(b)))
    assert merged == of(np.array(a + b)) == merge(of(np.array(b)), of(np.array(a)))
    assert total(merged) == len(a) + len(b)


def test_no_duration_is_too_short_for_a_bucket() -> None:
    assert buckets_of(np.array([-1.0, 0.0, 1e-9])).tolist() == [-72, -72, -72]


def test_an_empty_sketch_has_no_quantile() -> None:
    assert math.isnan(quantile((), 0.9))


@pytest.mark.parametrize("bucket", [-72, 0, 49, 158])
def test_a_bucket_answers_within_its_bounds(bucket: int) -> None:
    assert 1.1 ** (bucket - 1) < quantile(((bucket, 1),), 0.5) <= 1.1**bucket
