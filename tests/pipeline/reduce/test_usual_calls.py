"""Calls that requests usually go on to: expected, made, and where requests broke off."""

from collections.abc import Iterable
from functools import cache
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.signal import EdgePane
from schemas.telemetry import SpanKind
from tests.pipeline.reduce.span_feeds import CLIENT, MYSQL, SERVER, A, Feed

REDIS = {"db.system.name": "redis", "server.address": "redis"}
LEARNT_S = 480
NOW_S = 510
"""A pane of its own, after all that was learnt from."""
CONFIG = {"trace_hold_seconds": 1, "trace_keep_seconds": 90}


def a_request(
    number: int, at_s: float, *calls: dict[str, str], name: str = "GET /cart"
) -> tuple[A, ...]:
    """A request of `cart` that makes these calls one after the other."""
    at = at_s * 1000
    serving = A(service="cart", kind=SERVER, number=1, trace=number, start=at, end=at + 90)
    return (
        A(**{**vars(serving), "name": name}),
        *(
            A(
                service="cart",
                kind=CLIENT,
                number=2 + place,
                parent=1,
                trace=number,
                start=at + 10 * place,
                end=at + 10 * place + 5,
                name="call",
                attributes=called,
            )
            for place, called in enumerate(calls)
        ),
    )


@cache
def learnt(until_s: int = LEARNT_S) -> bytes:
    """A reducer's state after requests every six seconds that all ask redis and then mysql."""
    feed = Feed(**CONFIG)
    for number, at_s in enumerate(range(0, until_s, 6), start=1):
        feed.give(*a_request(number, at_s, REDIS, MYSQL))
    feed.flush()
    return feed.reducer.snapshot()


def experienced(until_s: int = LEARNT_S) -> Feed:
    feed = Feed(**CONFIG)
    feed.reducer.restore(learnt(until_s))
    return feed


def told(pane: EdgePane) -> tuple[float, int, int]:
    return pane.expected, pane.made, pane.broke


def test_usual_calls_are_expected_and_made() -> None:
    feed = experienced()
    for number in range(900, 910):
        feed.give(*a_request(number, NOW_S, REDIS, MYSQL))
    feed.flush()
    assert told(feed.edge("cart", "mysql")) == (10.0, 10, 0)


def test_calls_that_are_missing_are_told_though_there_is_no_call_to_count() -> None:
    feed = experienced()
    for number in range(900, 910):
        feed.give(*a_request(number, NOW_S))
    feed.flush()
    pane = feed.edge("cart", "mysql")
    assert pane.count == 0
    assert told(pane) == (10.0, 0, 0)


def test_several_calls_of_one_request_to_a_callee_count_once() -> None:
    feed = experienced()
    feed.give(*a_request(900, NOW_S, REDIS, MYSQL, MYSQL, MYSQL))
    feed.flush()
    pane = feed.edge("cart", "mysql")
    assert pane.count == 3
    assert told(pane) == (1.0, 1, 0)


def test_requests_for_something_else_do_not_say_that_calls_are_missing() -> None:
    feed = experienced()
    for number in range(900, 910):
        feed.give(*a_request(number, NOW_S, name="GET /health"))
    assert ("cart", "mysql") not in feed.flush().edges()


def test_nothing_is_expected_before_enough_requests_were_seen() -> None:
    feed = experienced(until_s=150)  # of which the last two minutes are not learnt yet
    feed.give(*a_request(900, 160))
    assert ("cart", "mysql") not in feed.flush().edges()


def test_a_share_that_only_some_requests_show_is_not_usual() -> None:
    feed = Feed(**CONFIG)
    for number, at_s in enumerate(range(0, LEARNT_S, 6), start=1):
        feed.give(*a_request(number, at_s, MYSQL, *([REDIS] if number % 3 == 0 else [])))
    for number in range(900, 930):
        feed.give(*a_request(number, NOW_S))
    feed.flush()
    assert told(feed.edge("cart", "mysql")) == (30.0, 0, 0)
    assert told(feed.edge("cart", "redis")) == (0.0, 0, 0)


def test_a_new_way_of_working_becomes_usual() -> None:
    feed = experienced()
    for number, at_s in enumerate(range(NOW_S, NOW_S + 9000, 30), start=1000):
        feed.give(*a_request(number, at_s, REDIS))
    feed.flush()
    latest = max(p.start_ms for s in feed.said for p in s.edges if p.callee.name == "redis")
    of_mysql = max(p.start_ms for s in feed.said for p in s.edges if p.callee.name == "mysql")
    assert latest - of_mysql > 3_600_000


def test_whom_a_request_called_last_before_it_broke_off_is_told() -> None:
    feed = experienced()
    feed.give(*a_request(900, NOW_S, REDIS))
    feed.flush()
    assert told(feed.edge("cart", "redis")) == (1.0, 1, 1)
    assert told(feed.edge("cart", "mysql")) == (1.0, 0, 0)


def test_a_call_that_comes_late_mends_the_break() -> None:
    *early, late = a_request(900, NOW_S, REDIS, MYSQL)
    feed = experienced()
    feed.give(*early)
    feed.flush()
    assert told(feed.edge("cart", "redis")) == (1.0, 1, 1)
    feed.give(late)
    feed.flush()
    assert told(feed.edge("cart", "redis")) == (1.0, 1, 0)
    assert told(feed.edge("cart", "mysql")) == (1.0, 1, 0)


def test_calls_below_internal_spans_belong_to_the_request_and_those_of_callees_do_not() -> None:
    at = NOW_S * 1000
    cart = {"trace": 900, "start": at, "end": at + 90}
    feed = experienced()
    feed.give(
        A(service="cart", kind=SERVER, number=1, name="GET /cart", **cart),
        A(service="cart", kind=SpanKind.INTERNAL, number=2, parent=1, **cart),
        A(service="cart", kind=CLIENT, number=3, parent=2, attributes=REDIS, **cart),
        A(service="stock", kind=SERVER, number=4, parent=3, **cart),
        A(service="stock", kind=CLIENT, number=5, parent=4, attributes=MYSQL, **cart),
    )
    feed.flush()
    assert told(feed.edge("cart", "redis")) == (1.0, 1, 1)
    assert told(feed.edge("cart", "mysql")) == (1.0, 0, 0)


def test_operations_beyond_a_limit_are_not_learnt_until_an_idle_one_makes_room() -> None:
    feed = experienced()
    names = [f"GET /{place}" for place in range(40)]
    for number, name in enumerate(names, start=2000):
        feed.give(*a_request(number, NOW_S, name=name))
    for number, at_s in enumerate(range(NOW_S, NOW_S + LEARNT_S, 6), start=3000):
        feed.give(*a_request(number, at_s, MYSQL, name=names[-1]))
    now_s = NOW_S + LEARNT_S + 30
    feed.give(*a_request(4000, now_s, name=names[-1]))
    feed.flush()
    assert told(feed.edge("cart", "mysql")) == (0.0, 0, 0)
    for number, at_s in enumerate(range(now_s + 4000, now_s + 4000 + LEARNT_S, 6), start=5000):
        feed.give(*a_request(number, at_s, MYSQL, name=names[-1]))
    feed.give(*a_request(6000, now_s + 4000 + LEARNT_S + 30, name=names[-1]))
    feed.flush()
    assert told(feed.edge("cart", "mysql")) == (1.0, 0, 0)


def totals(feed: Feed) -> dict[tuple[str, int], tuple[float, int, int]]:
    return {(p.callee.name, p.start_ms): told(p) for s in feed.said for p in s.edges}


def given_in_parts(parts: Iterable[list[A]]) -> Feed:
    feed = experienced()
    for part in parts:
        feed.give(*part)
    return feed.flush()


requests = st.lists(
    st.lists(st.sampled_from([REDIS, MYSQL]), max_size=3), min_size=1, max_size=6
).map(
    lambda made: [
        span
        for number, called in enumerate(made, start=900)
        for span in a_request(number, NOW_S + number % 7, *called)
    ]
)


@settings(max_examples=30, deadline=None)
@given(requests, st.lists(st.integers(0, 24), max_size=5), st.randoms(use_true_random=False))
def test_order_and_repeats_and_cuts_change_nothing(
    spans: list[A], places: list[int], random: object
) -> None:
    expected = totals(given_in_parts([spans]))
    shuffled = list(spans)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    parts = [shuffled[a:b] for a, b in pairwise([0, *sorted(places), len(spans)])]
    assert totals(given_in_parts([*parts, *parts])) == expected


@settings(max_examples=20, deadline=None)
@given(requests, st.integers(0, 24))
def test_a_restored_reducer_expects_the_same(spans: list[A], place: int) -> None:
    whole, first, second = experienced(), experienced(), Feed(**CONFIG)
    for part in (spans[:place], spans[place:]):
        whole.give(*part)
    first.give(*spans[:place])
    second.reducer.restore(first.reducer.snapshot())
    second.give(*spans[place:])
    assert totals(second.flush()).items() <= totals(whole.flush()).items()
    assert second.reducer.snapshot() == whole.reducer.snapshot()
