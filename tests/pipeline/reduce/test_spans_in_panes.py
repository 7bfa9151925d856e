"""Queues, waits, statements, exemplars, and the limits that the span reducer keeps."""

import pytest

from pipeline.sketch import total
from schemas.component import ComponentKind
from schemas.telemetry import SpanBatch
from tests.pipeline.reduce.span_feeds import (
    CLIENT,
    CONSUMER,
    INTERNAL,
    KAFKA,
    MYSQL,
    PRODUCER,
    SERVER,
    STORY,
    T0,
    A,
    Feed,
    a_batch,
    fed,
    scrambled,
)


def test_producer_and_consumer_both_depend_on_the_queue() -> None:
    feed = fed(
        A(service="cart", kind=PRODUCER, number=1, start=0, end=10, attributes=KAFKA),
        A(
            service="mailer",
            kind=CONSUMER,
            number=2,
            trace=2,
            start=250,
            end=300,
            failed=True,
            attributes=KAFKA,
            link=(1, 1),
        ),
    )
    assert feed.edges() == {("cart", "orders"), ("mailer", "orders")}
    assert feed.edge("cart", "orders").callee.kind is ComponentKind.QUEUE
    consumed = feed.edge("mailer", "orders")
    # Its time is the time in the queue, and its failure is not the queue's.
    assert consumed.duration_ms == pytest.approx(240)
    assert (consumed.count, consumed.errors, total(consumed.sketch)) == (1, 0, 1)
    assert (feed.service("mailer").count, feed.service("mailer").errors) == (1, 1)


def test_a_consumer_may_be_the_producers_child() -> None:
    feed = fed(
        A(service="cart", kind=PRODUCER, number=1, start=0, end=10, attributes=KAFKA),
        A(service="mailer", kind=CONSUMER, number=2, parent=1, start=90, end=99, attributes=KAFKA),
    )
    assert feed.edge("mailer", "orders").duration_ms == pytest.approx(80)


def test_waiting_for_a_pool_is_told_apart() -> None:
    feed = fed(
        A(service="cart", kind=SERVER, number=1),
        A(service="cart", kind=INTERNAL, number=2, parent=1, end=70, name="pool.acquire"),
        A(
            service="cart",
            kind=INTERNAL,
            number=3,
            parent=1,
            start=70,
            end=75,
            name="prepare",
            attributes={"pool.name": "orders"},
        ),
        A(service="cart", kind=INTERNAL, number=4, parent=1, start=80, end=90, name="render"),
    )
    assert feed.service("cart").wait_ms == pytest.approx(75)


def test_a_root_that_nobody_called_is_a_job() -> None:
    feed = fed(
        A(service="report", kind=INTERNAL, number=1, failed=True),
        A(service="report", kind=CLIENT, number=2, parent=1, end=90, attributes=MYSQL),
    )
    pane = feed.service("report")
    assert (pane.count, pane.errors, pane.origin_errors) == (1, 1, 1)
    assert pane.self_ms == pytest.approx(10)


def test_statements_are_ranked_by_time_and_bounded() -> None:
    calls = [
        A(
            service="cart",
            kind=CLIENT,
            number=n,
            trace=n,
            end=n,
            attributes=MYSQL | {"db.query.text": f"GET {chr(96 + n)} WHERE id = {n}"},
        )
        for n in range(1, 9)
    ]
    feed = fed(*calls, statements_per_edge=2)
    told = feed.edge("cart", "mysql").statements
    assert [s.text for s in told] == [f"GET {c} WHERE id = ?" for c in "hg"]
    crowded = fed(*calls, statements_per_edge=20, statements_tracked=3).edge("cart", "mysql")
    assert len(crowded.statements) == 4
    assert "(other)" in {statement.text for statement in crowded.statements}
    assert sum(s.duration_ms for s in crowded.statements) == pytest.approx(crowded.duration_ms)


def test_exemplars_are_the_slowest_and_a_failed_one() -> None:
    spans = [
        A(service="cart", kind=SERVER, number=n, trace=n, end=n * 10, failed=n == 2)
        for n in range(1, 8)
    ]
    failed, *slow = fed(*spans).service("cart").exemplars
    assert (failed.duration_ms, failed.failure) == (20, "error")
    assert [(e.duration_ms, e.failure) for e in slow] == [(70, ""), (60, "")]
    assert failed.trace_id == f"{7:016x}{scrambled(2):016x}"
    assert failed.span_id == f"{scrambled(2):016x}"
    assert failed.start_ms == T0


def test_a_span_counts_in_the_pane_of_its_end() -> None:
    feed = fed(A(service="cart", kind=SERVER, number=1, start=29_000, end=31_000))
    assert feed.service("cart").start_ms == T0 + 30_000


def test_repeated_spans_count_once() -> None:
    feed = Feed()
    feed.give(*STORY, *STORY)
    feed.give(*STORY)
    feed.flush()
    assert feed.service("cart").count == 1
    assert feed.edge("stock", "mysql").count == 2
    assert feed.reducer.stats()["repeated"] == 2 * len(STORY)


def test_components_are_sighted_with_their_nodes() -> None:
    feed = fed(
        A(service="cart", kind=SERVER, number=1, resource={"k8s.node.name": "node-a"}),
        A(service="cart", kind=SERVER, number=2, trace=2, resource={"k8s.node.name": "node-b"}),
    )
    (sighting,) = feed.said[0].sightings
    assert sighting.has_spans
    assert [(n.name, n.kind) for n in sighting.runs_on] == [
        ("node-a", ComponentKind.NODE),
        ("node-b", ComponentKind.NODE),
    ]


def test_spans_without_a_service_are_counted_and_left_out() -> None:
    feed = Feed()
    batch = a_batch(A(service="cart", kind=SERVER, number=1))
    homeless = SpanBatch(**{**{n: getattr(batch, n) for n in batch.__slots__}, "resources": ((),)})
    assert feed.reducer.handle(homeless, T0) == []
    assert feed.reducer.stats()["homeless"] == 1


def test_spans_of_forgotten_panes_are_late() -> None:
    feed = fed(A(service="cart", kind=SERVER, number=1, end=400_000), pane_keep_seconds=300)
    feed.give(A(service="cart", kind=SERVER, number=2, end=10))
    feed.flush()
    assert feed.reducer.stats()["late"] == 1
    assert {p.start_ms for s in feed.said for p in s.services} == {T0 + 390_000}


def test_the_longest_silent_traces_make_room() -> None:
    feed = Feed(span_limit=40)
    for trace in range(1, 30):
        at = trace * 10
        feed.give(
            A(service="cart", kind=SERVER, number=trace, trace=trace, start=at, end=at + 9),
            A(
                service="cart",
                kind=CLIENT,
                number=trace + 100,
                parent=trace,
                trace=trace,
                start=at + 2,
                end=at + 8,
                attributes={"server.address": "somebody"},
            ),
        )
        assert feed.reducer.stats()["spans_held"] <= 40
    feed.flush()
    assert feed.reducer.stats()["crowded_out"] > 0
    assert feed.service("cart").count == 29
    assert feed.service("cart").self_ms == pytest.approx(29 * 3)
    assert feed.edge("cart", "somebody").count == 29


def test_event_time_is_believed_only_a_little_ahead_of_the_arrival() -> None:
    batch = a_batch(A(service="cart", kind=SERVER, number=1, end=200_000))
    said = Feed().reducer.handle(batch, T0)
    assert [signal.observed_ms for _, signal in said] == [T0 + 5000]


def test_an_empty_batch_says_nothing() -> None:
    assert Feed().give() == []
    assert Feed().flush().said == []


def test_a_broken_snapshot_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"no SpanState .* start from the committed offset"):
        Feed().reducer.restore(b"nonsense")


def test_a_snapshot_of_another_layout_is_refused() -> None:
    with pytest.raises(ValueError, match=r"written with reduce.pane_seconds = 20"):
        Feed().reducer.restore(Feed(pane_seconds=20).reducer.snapshot())


def test_a_flush_with_no_news_says_nothing() -> None:
    feed = Feed()
    feed.give(*STORY)
    feed.flush()
    assert feed.reducer.flush() == []
