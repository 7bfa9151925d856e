"""Idempotent producers of one partition: which sequence numbers came, so that retries store once.

Pure state, rebuilt from the stored batches on start; a producer that is not remembered (new, or
all its batches already deleted) may begin at any sequence, as on Apache Kafka.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from agents.broker.batch import NO_PRODUCER, BatchHeader
from agents.broker.errors import BrokerError, ErrorCode

# Clients keep at most five requests in flight, so a retry repeats one of the last five batches.
REMEMBERED_BATCHES = 5
_SEQUENCE_SPACE = 2**31


@dataclass(slots=True)
class _Producer:
    epoch: int
    last_sequence: int
    batches: deque[tuple[int, int, int]] = field(  # first sequence, last sequence, base offset
        default_factory=lambda: deque(maxlen=REMEMBERED_BATCHES)
    )


class ProducerTable:
    """Last sequences per producer, at most `limit` producers, the least recent forgotten first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._producers: OrderedDict[int, _Producer] = OrderedDict()

    def __len__(self) -> int:
        return len(self._producers)

    def duplicate_of(self, header: BatchHeader) -> int | None:
        """Return the offset at which this very batch is stored already, or None when it is new.

        Raises:
            BrokerError: the producer was fenced by a newer epoch, or a batch before it is missing.
        """
        known = self._producers.get(header.producer_id)
        if header.producer_id == NO_PRODUCER or known is None:
            return None
        if header.producer_epoch < known.epoch:
            sentence = f"producer epoch {header.producer_epoch} was replaced by {known.epoch}"
            raise BrokerError(ErrorCode.INVALID_PRODUCER_EPOCH, sentence)
        if header.producer_epoch > known.epoch:
            _expect(header.base_sequence, 0)
            return None
        last = _last_sequence(header)
        for first_stored, last_stored, offset in known.batches:
            if (first_stored, last_stored) == (header.base_sequence, last):
                return offset
        _expect(header.base_sequence, (known.last_sequence + 1) % _SEQUENCE_SPACE)
        return None

    def remember(self, header: BatchHeader) -> None:
        """Take note of a stored batch; the header carries its final offset."""
        if header.producer_id == NO_PRODUCER:
            return
        known = self._producers.get(header.producer_id)
        if known is None or known.epoch != header.producer_epoch:
            known = _Producer(header.producer_epoch, -1)
            self._producers[header.producer_id] = known
        known.last_sequence = _last_sequence(header)
        known.batches.append((header.base_sequence, known.last_sequence, header.base_offset))
        self._producers.move_to_end(header.producer_id)
        while len(self._producers) > self._limit:
            self._producers.popitem(last=False)


def _last_sequence(header: BatchHeader) -> int:
    return (header.base_sequence + header.last_offset_delta) % _SEQUENCE_SPACE


def _expect(found: int, expected: int) -> None:
    if found != expected:
        sentence = f"sequence {found} came where {expected} was due: a batch before it is missing"
        raise BrokerError(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, sentence)
