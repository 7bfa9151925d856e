"""Brings what waits to one receiver: policy, message, delivery, and the log of what was sent.

Order per receiver is the order of arrival. While the receiver is away the courier keeps trying its
first message, and what it says is decided anew before each attempt.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson

from agents.notifier.config import NotifierConfig
from agents.notifier.dead_letter import Failing
from agents.notifier.notified import NotifiedLog
from agents.notifier.pending import Item, Pending
from agents.notifier.policy import after, decide
from agents.notifier.sent import Occasion
from agents.notifier.slack import lay_out, plain_payload
from agents.notifier.story import tell
from agents.notifier.waiting import wait_for, wall_ms
from agents.notifier.webhook import Delivery, Letter, Outcome, Webhook
from agents.telemetry import NotifierMetrics

log = logging.getLogger(__name__)

_GIVEN_UP = {Outcome.REFUSED: Failing.REFUSED, Outcome.EXPIRED: Failing.EXPIRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Telling:
    """A revision and the occasion on which it is told."""

    item: Item
    occasion: Occasion


class Courier:
    """Takes revisions from `pending` until it is told to stop.

    Args:
        give_up: puts a revision whose message nobody took on the dead-letter topic.
    """

    def __init__(
        self,
        webhook: Webhook,
        pending: Pending,
        notified: NotifiedLog,
        give_up: Callable[[Item, Failing, str], Awaitable[None]],
        config: NotifierConfig,
        metrics: NotifierMetrics,
    ) -> None:
        self._webhook = webhook
        self._pending = pending
        self._notified = notified
        self._to_dead_letter = give_up
        self._config = config
        self._metrics = metrics

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until stopped.

        Raises:
            PublishError, KafkaError: what was sent, or given up, could not be logged.
        """
        while not stop.is_set():
            item = self._pending.due(wall_ms())
            if item is None:
                await self._idle()
                continue
            await self._bring(item.incident.incident_id, stop)

    async def _idle(self) -> None:
        """Wait for a revision to come, or for a deferred one to be due."""
        due_ms = self._pending.next_due_ms()
        self._pending.changed.clear()
        if due_ms is None:
            await self._pending.changed.wait()
        else:
            seconds = max(0, due_ms - wall_ms()) / 1_000
            await wait_for(self._pending.changed, seconds)

    async def _bring(self, incident_id: str, stop: asyncio.Event) -> None:
        delivery = await self._webhook.deliver(
            lambda: self._compose(incident_id), self._confirm, stop
        )
        if delivery.outcome in _GIVEN_UP:
            await self._give_up(delivery)
        elif delivery.outcome is Outcome.DELIVERED:
            await wait_for(stop, self._config.message_interval_ms / 1_000)

    def _compose(self, incident_id: str) -> Letter[_Telling] | None:
        """Write the letter about an incident as it stands now, if one is due."""
        item = self._pending.get(incident_id)
        if item is None:
            return None
        before = self._notified.get(incident_id)
        now_ms = wall_ms()
        decision = decide(before, item.incident, now_ms, self._config, item.published_ms)
        if decision.occasion is None:
            self._pending.finish(item)
            return None
        if decision.not_before_ms > now_ms:
            self._pending.defer(item, decision.not_before_ms)
            return None
        story = tell(
            item.incident, decision.occasion, before=before, console_url=self._config.console_url
        )
        return Letter(
            body=orjson.dumps(lay_out(story)),
            plainer=orjson.dumps(plain_payload(story)),
            # Hexadecimal ids and a number; quoted so that it can only ever be a header value.
            idempotency_key=header_value(f"{incident_id}:{item.incident.revision}"),
            about=_Telling(item=item, occasion=decision.occasion),
        )

    async def _confirm(self, letter: Letter[_Telling]) -> None:
        told = letter.about
        incident, now_ms = told.item.incident, wall_ms()
        sent = after(
            self._notified.get(incident.incident_id),
            incident,
            told.occasion,
            receiver=self._webhook.receiver.name,
            now_ms=now_ms,
        )
        self._metrics.sent.labels(kind=told.occasion.value).inc()
        if told.item.published_ms is not None:
            self._metrics.seconds.observe(max(0, now_ms - told.item.published_ms) / 1_000)
        await self._notified.append(sent)
        self._pending.finish(told.item)

    async def _give_up(self, delivery: Delivery[_Telling]) -> None:
        assert delivery.letter is not None, "a delivery that was given up was tried"
        item, failing = delivery.letter.about.item, _GIVEN_UP[delivery.outcome]
        receiver = self._webhook.receiver
        log.error(
            "a chat message was given up and goes to the dead-letter topic",
            extra={
                "receiver": receiver.name,
                "host": receiver.host,
                "incident_id": item.incident.incident_id,
                "revision": item.incident.revision,
                "reason": delivery.reason,
                "attempts": delivery.attempts,
            },
        )
        reason = (
            f"chat receiver {receiver.name} ({receiver.host}) did not take the message after "
            f"{delivery.attempts} attempts: {delivery.reason}"
        )
        await self._to_dead_letter(item, failing, reason)
        self._pending.finish(item)


def header_value(text: str) -> str:
    r"""Keep what an HTTP header may carry.

    >>> header_value("6f1c:7"), header_value("a\r\nb\u20ac")
    ('6f1c:7', 'a__b_')
    """
    return "".join(char if char.isascii() and char.isprintable() else "_" for char in text[:200])
