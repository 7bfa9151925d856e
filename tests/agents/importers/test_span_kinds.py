"""Kinds of spans that come without any: who calls, who serves, who works within."""

from agents.importers.span_failures import with_error_pages
from agents.importers.span_kinds import spans_of
from agents.importers.span_notes import SpanNote, SpanNotes
from agents.importers.span_table import SpanTable
from schemas.telemetry import SpanKind, SpanStatus, labels_of

MS = 1_000_000


def table(*spans: tuple[str, str, str, str, int, int]) -> SpanTable:
    """Spans as (id, parent, service, name, start ms, end ms) of one trace."""
    notes = SpanNotes()
    for span, parent, service, name, start, end in spans:
        notes.add(
            SpanNote(
                trace="7" * 32,
                span=span,
                parent=parent,
                resource=labels_of({"service.name": service}),
                name=name,
                start_ns=start * MS,
                end_ns=end * MS,
            )
        )
    return notes.table()


def kinds(found: SpanTable) -> list[tuple[str, str, SpanKind, int]]:
    """(service, name, kind, length in ms) in order of start, callers first."""
    batch = spans_of(found)
    return [
        (
            dict(batch.resources[batch.resource[i]])["service.name"],
            batch.names[batch.name[i]],
            SpanKind(int(batch.kind[i])),
            int(batch.end_ns[i] - batch.start_ns[i]) // MS,
        )
        for i in range(len(batch))
    ]


def test_a_span_named_like_a_call_with_what_it_calls_below_is_that_call():
    found = table(
        ("1", "", "web", "/cart", 0, 100),
        ("2", "1", "web", "HTTP GET", 10, 90),
        ("3", "2", "cart", "/api", 20, 30),
    )
    assert [row[2] for row in kinds(found)] == [SpanKind.SERVER, SpanKind.CLIENT, SpanKind.SERVER]


def test_a_span_that_takes_hardly_longer_than_what_it_calls_is_the_call():
    found = table(
        ("1", "", "web", "/cart", 0, 100),
        ("2", "1", "web", "fetchCart", 9, 61),
        ("3", "2", "cart", "/api", 10, 60),
    )
    assert kinds(found)[1] == ("web", "fetchCart", SpanKind.CLIENT, 52)


def test_a_span_that_works_besides_gets_a_call_as_long_as_the_answer():
    found = table(
        ("1", "", "web", "/cart", 0, 100),
        ("2", "1", "web", "renderCart", 5, 95),
        ("3", "2", "cart", "/api", 20, 30),
    )
    rows = kinds(found)
    assert ("web", "renderCart", SpanKind.INTERNAL, 90) in rows
    assert ("web", "/api", SpanKind.CLIENT, 10) in rows
    assert ("cart", "/api", SpanKind.SERVER, 10) in rows


def test_each_of_several_calls_of_one_span_is_a_call():
    found = table(
        ("1", "", "web", "/cart", 0, 100),
        ("2", "1", "cart", "/api", 20, 30),
        ("3", "1", "stock", "/api", 40, 50),
    )
    batch = spans_of(found)
    calls = batch.span_id[batch.kind == SpanKind.CLIENT]
    served = (batch.kind == SpanKind.SERVER) & (batch.parent_id != 0)
    assert sorted(batch.parent_id[served].tolist()) == sorted(calls.tolist())
    assert len(set(calls.tolist())) == 2


def test_a_call_that_nobody_answered_is_a_call_still_and_a_statement_names_its_database():
    found = table(
        ("1", "", "web", "/cart", 0, 100),
        ("2", "1", "web", "HTTP POST", 10, 90),
        ("3", "1", "web", "SELECT shop.items", 91, 95),
        ("4", "1", "web", "SELECT Item", 96, 97),
    )
    assert [row[2] for row in kinds(found)] == [
        SpanKind.SERVER,
        SpanKind.CLIENT,
        SpanKind.CLIENT,
        SpanKind.INTERNAL,
    ]
    batch = spans_of(found)
    said = [dict(batch.attribute_sets[i]) for i in batch.attributes.tolist()]
    assert [s.get("peer.service") for s in said] == [None, None, "shop", None]


def test_an_error_page_fails_its_request_and_no_other():
    found = table(
        ("1", "", "web", "/cart", 0, 100),
        ("2", "1", "web", "HTTP GET", 10, 90),
        ("3", "2", "cart", "/api", 20, 30),
        ("4", "3", "cart", "BasicErrorController.error", 25, 26),
        ("5", "1", "web", "HTTP GET", 91, 99),
        ("6", "5", "cart", "/api", 92, 98),
    )
    batch = spans_of(with_error_pages(found))
    failed = batch.span_id[batch.status == SpanStatus.ERROR]
    assert sorted(failed.tolist()) == [2, 3]
