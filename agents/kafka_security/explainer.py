"""Says in the log why Kafka cannot be used: clients know only that they could not connect."""

import asyncio
import logging
import time

from agents.kafka import KafkaConfig
from agents.kafka_security.probe import trouble
from agents.kafka_security.sentences import missing_right

_log = logging.getLogger("kafka")
_PAUSE_SECONDS = 30.0


class Explainer:
    """Looks for the reason beside the work, now and then, for all clients of a process."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._task: asyncio.Task[None] | None = None
        self._next = 0.0

    def look(self, error: BaseException) -> None:
        """Begin to look, unless that is going on or was done a moment ago; returns at once.

        Args:
            error: what a client has said.
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _PAUSE_SECONDS
        if (sentence := missing_right(error)) is not None:
            _say(sentence)
            return
        # Kept, or the loop might drop it half-way.
        self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(_PAUSE_SECONDS):
                found = await trouble(self._config)
        except TimeoutError:
            return
        except Exception:
            # Nobody waits for this task: without the line a bug in it would be silent.
            _log.exception("the reason why Kafka is away could not be looked for")
            return
        if found is not None:
            _say(found)


def _say(reason: str) -> None:
    _log.warning("why Kafka cannot be used", extra={"reason": reason})
