"""Answers to the requests that move records: produce, fetch, list offsets, producer ids."""

import asyncio
import logging

from agents.broker.api import ApiKey
from agents.broker.byte_budget import ByteBudget
from agents.broker.config import BrokerConfig
from agents.broker.context import Context, Respond
from agents.broker.errors import BrokerError, ErrorCode
from agents.broker.topics import TopicCatalog
from agents.broker.wire import Message

logger = logging.getLogger(__name__)

_ACKS = {-1, 0, 1}
_LATEST, _EARLIEST = -1, -2


class DataRequests:
    """The data path, over the catalog's partition logs."""

    def __init__(self, catalog: TopicCatalog, budget: ByteBudget, config: BrokerConfig) -> None:
        self._catalog = catalog
        self._budget = budget
        self._config = config

    def responders(self) -> dict[ApiKey, Respond]:
        """Return what answers which request."""
        return {
            ApiKey.PRODUCE: self.produce,
            ApiKey.FETCH: self.fetch,
            ApiKey.LIST_OFFSETS: self.list_offsets,
            ApiKey.INIT_PRODUCER_ID: self.init_producer_id,
        }

    async def produce(self, body: Message, _context: Context) -> Message | None:
        """Append batches; with acks=0 the client expects no answer, not even a bad one."""
        topics = [
            {
                "name": topic["name"],
                "partitions": [
                    self._append(topic["name"], part, body["acks"]) for part in topic["partitions"]
                ],
            }
            for topic in body["topics"]
        ]
        return {"topics": topics} if body["acks"] else None

    async def fetch(self, body: Message, _context: Context) -> Message:
        """Return records, waiting for new ones as long as the client allows."""
        loop = asyncio.get_running_loop()
        wait_ms = min(max(0, body["max_wait_ms"]), self._config.max_fetch_wait_ms)
        deadline = loop.time() + wait_ms / 1000
        while True:
            await self._budget.wait_for_room()
            topics, total, has_error = self._read_all(body)
            left = deadline - loop.time()
            if has_error or total >= body["min_bytes"] or left <= 0:
                return {"topics": topics}
            await self._wait_for_append(body, left)

    async def list_offsets(self, body: Message, _context: Context) -> Message:
        """Return the earliest, the latest, or the first offset from a time on."""
        topics = [
            {
                "name": topic["name"],
                "partitions": [
                    self._offset_of(topic["name"], part) for part in topic["partitions"]
                ],
            }
            for topic in body["topics"]
        ]
        return {"topics": topics}

    async def init_producer_id(self, body: Message, _context: Context) -> Message:
        """Give out a producer id; a transactional one is refused."""
        if body["transactional_id"] is not None:
            return {"error": ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED}
        try:
            producer_id = self._catalog.next_producer_id()
        except BrokerError as error:
            return {"error": error.code}
        return {"error": ErrorCode.NONE, "producer_id": producer_id, "producer_epoch": 0}

    def _append(self, topic: str, part: Message, acks: int) -> Message:
        try:
            _check_acks(acks)
            log = self._catalog.partition(topic, part["index"])
            base_offset = log.append(part["records"] or b"")
        except BrokerError as error:
            logger.debug("refused a batch for %s/%d: %s", topic, part["index"], error)
            return {"index": part["index"], "error": error.code, "error_message": str(error)}
        return {
            "index": part["index"],
            "error": ErrorCode.NONE,
            "base_offset": base_offset,
            "log_start_offset": log.start_offset,
        }

    def _read_all(self, body: Message) -> tuple[list[Message], int, bool]:
        room = min(max(0, body["max_bytes"]), self._config.max_fetch_bytes)
        total, has_error, topics = 0, False, []
        for topic in body["topics"]:
            parts = []
            for wanted in topic["partitions"]:
                part = self._read(topic["name"], wanted, room - total, at_least_one=total == 0)
                total += len(part["records"])
                has_error = has_error or part["error"] != ErrorCode.NONE
                parts.append(part)
            topics.append({"name": topic["name"], "partitions": parts})
        return topics, total, has_error

    def _read(self, topic: str, wanted: Message, room: int, *, at_least_one: bool) -> Message:
        answer = {
            "index": wanted["index"],
            "error": ErrorCode.NONE,
            "high_watermark": -1,
            "last_stable_offset": -1,
            "log_start_offset": -1,
            "records": b"",
        }
        try:
            log = self._catalog.partition(topic, wanted["index"])
            answer["high_watermark"] = answer["last_stable_offset"] = log.next_offset
            answer["log_start_offset"] = log.start_offset
            max_bytes = max(0, min(wanted["max_bytes"], room))
            answer["records"] = log.read(
                wanted["fetch_offset"], max_bytes, at_least_one=at_least_one
            )
        except BrokerError as error:
            answer["error"] = error.code
        return answer

    async def _wait_for_append(self, body: Message, seconds: float) -> None:
        appended = asyncio.Event()
        logs = [
            self._catalog.partition(topic["name"], part["index"])
            for topic in body["topics"]
            for part in topic["partitions"]
        ]
        for log in logs:
            log.watchers.add(appended.set)
        try:
            async with asyncio.timeout(seconds):
                await appended.wait()
        except TimeoutError:
            pass  # the caller reads once more and answers with what there is
        finally:
            for log in logs:
                log.watchers.discard(appended.set)

    def _offset_of(self, topic: str, part: Message) -> Message:
        answer: Message = {"index": part["index"], "error": ErrorCode.NONE}
        try:
            log = self._catalog.partition(topic, part["index"])
        except BrokerError as error:
            return {**answer, "error": error.code}
        wanted = part["timestamp"]
        if wanted == _LATEST:
            return {**answer, "offset": log.next_offset}
        if wanted == _EARLIEST:
            return {**answer, "offset": log.start_offset}
        if wanted < 0:  # newer protocol versions give meanings to some of them
            return {**answer, "error": ErrorCode.UNSUPPORTED_VERSION}
        found = log.offset_for_time(wanted)
        return answer if found is None else {**answer, "timestamp": found[0], "offset": found[1]}


def _check_acks(acks: int) -> None:
    if acks not in _ACKS:
        sentence = f"acks is {acks}; expected -1, 0 or 1"
        raise BrokerError(ErrorCode.INVALID_REQUIRED_ACKS, sentence)
