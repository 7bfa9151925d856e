import pytest

from agents.broker.batch import BatchHeader
from agents.broker.errors import BrokerError, ErrorCode
from agents.broker.producers import ProducerTable


def a_header(
    producer: int, sequence: int, count: int = 1, *, epoch: int = 0, offset: int = 0
) -> BatchHeader:
    return BatchHeader(offset, 100, -1, 2, 0, 0, count - 1, 0, 0, producer, epoch, sequence, count)


def refusal(table: ProducerTable, header: BatchHeader) -> ErrorCode:
    with pytest.raises(BrokerError) as caught:
        table.duplicate_of(header)
    return caught.value.code


def test_a_batch_without_a_producer_is_always_new() -> None:
    table = ProducerTable(10)
    table.remember(a_header(-1, -1))
    assert table.duplicate_of(a_header(-1, -1)) is None
    assert len(table) == 0


def test_an_unknown_producer_may_begin_anywhere() -> None:
    assert ProducerTable(10).duplicate_of(a_header(1, 500)) is None


def test_each_of_the_last_five_batches_is_recognised() -> None:
    table = ProducerTable(10)
    for number in range(7):
        table.remember(a_header(1, number * 3, 3, offset=number * 10))
    for number in range(2, 7):
        assert table.duplicate_of(a_header(1, number * 3, 3)) == number * 10
    assert refusal(table, a_header(1, 3, 3)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert table.duplicate_of(a_header(1, 21, 3)) is None


def test_the_same_first_sequence_with_another_length_is_no_duplicate() -> None:
    table = ProducerTable(10)
    table.remember(a_header(1, 0, 3))
    assert refusal(table, a_header(1, 0, 2)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_sequences_wrap_around_to_zero() -> None:
    table = ProducerTable(10)
    table.remember(a_header(1, 2**31 - 2, 2))
    assert table.duplicate_of(a_header(1, 0)) is None


def test_a_new_epoch_begins_at_zero_and_fences_the_old_one() -> None:
    table = ProducerTable(10)
    table.remember(a_header(1, 0))
    assert refusal(table, a_header(1, 1, epoch=1)) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert table.duplicate_of(a_header(1, 0, epoch=1)) is None
    table.remember(a_header(1, 0, epoch=1))
    assert refusal(table, a_header(1, 1, epoch=0)) is ErrorCode.INVALID_PRODUCER_EPOCH


def test_the_least_recent_producer_is_forgotten_at_the_limit() -> None:
    table = ProducerTable(2)
    for producer in (1, 2, 1, 3):
        table.remember(a_header(producer, 0, offset=producer))
    assert len(table) == 2
    assert table.duplicate_of(a_header(1, 0)) == 1
    assert table.duplicate_of(a_header(2, 0)) is None
