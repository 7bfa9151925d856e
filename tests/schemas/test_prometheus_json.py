"""prometheus-kafka-adapter's samples, many messages at once."""

import math

import numpy as np
import pytest

from schemas.codecs.limits import CodecLimits
from schemas.codecs.prometheus_json import decode_samples
from schemas.telemetry import MetricForm, Series
from tests.schemas import samples as s

SERIES = Series(
    name="http_p99_seconds", labels=(("service", "checkout"),), form=MetricForm.UNKNOWN
)


def test_messages_become_one_batch_in_their_order() -> None:
    other = {**s.SAMPLE, "name": "up", "labels": {"__name__": "up"}, "value": "1"}
    batch, bad = decode_samples([s.dumps(s.SAMPLE), s.dumps(other), s.dumps(s.SAMPLE)])
    assert bad == ()
    assert batch.table == (SERIES, Series(name="up", labels=()))
    assert batch.series.tolist() == [0, 1, 0]
    assert batch.time_ms.tolist() == [s.T0] * 3
    assert batch.value.tolist() == [2.1, 1.0, 2.1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NaN", math.nan),
        ("+Inf", math.inf),
        ("-Inf", -math.inf),
        ("1e-7", 1e-7),
        ("0", 0.0),
        (3, 3.0),
        (2.5, 2.5),
    ],
)
def test_values_are_text_as_go_writes_it_or_numbers(text: object, expected: float) -> None:
    batch, bad = decode_samples([s.dumps({**s.SAMPLE, "value": text})])
    assert bad == ()
    np.testing.assert_array_equal(batch.value, [expected])


def test_the_name_may_stand_in_the_labels_only() -> None:
    sample = {key: value for key, value in s.SAMPLE.items() if key != "name"}
    batch, _ = decode_samples([s.dumps(sample)])
    assert batch.table == (SERIES,)


def test_label_order_and_blanks_do_not_matter() -> None:
    one = b'{"timestamp":"2026-09-01T10:00:00Z","value":"1","name":"m","labels":{"a":"1","b":"2"}}'
    two = (
        b'{"timestamp":"2026-09-01T10:00:00Z","value":"1","name":"m",'
        b'"labels": {"b": "2", "a": "1"}, "new": 1}'
    )
    batch, _ = decode_samples([one, two])
    assert batch.series.tolist() == [0, 0]


def test_bad_messages_are_told_by_index_and_the_rest_is_kept() -> None:
    values = [b"nonsense", s.dumps(s.SAMPLE), s.dumps({**s.SAMPLE, "value": "fast"}), b""]
    batch, bad = decode_samples(values)
    assert len(batch) == 1
    assert [index for index, _ in bad] == [0, 2, 3]
    assert 'value is "fast", expected a number as text' in str(bad[1][1])


def test_cloudevents_headers_are_given_by_message() -> None:
    enveloped = s.dumps({**s.ENVELOPE, "data": s.SAMPLE})
    batch, bad = decode_samples(
        [s.dumps(s.SAMPLE), s.dumps(s.SAMPLE), enveloped], [[], s.BINARY, s.STRUCTURED]
    )
    assert bad == ()
    assert batch.series.tolist() == [0, 0, 0]


def test_no_messages_are_an_empty_batch() -> None:
    batch, bad = decode_samples([])
    assert (len(batch), batch.table, bad) == (0, (), ())


def test_smaller_limits_hold_for_series_that_were_seen_before() -> None:
    decode_samples([s.dumps(s.SAMPLE)])
    _, bad = decode_samples([s.dumps(s.SAMPLE)], limits=CodecLimits(labels_per_set=1))
    assert "labels has 2 entries, at most 1 are accepted" in str(bad[0][1])
