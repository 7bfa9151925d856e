"""The worker of a consumer group: one message after the other, with attempts, then onwards."""

from collections.abc import Generator
from itertools import count
from typing import Any

from simpy.events import Event, Timeout

from models.simulator.broker import Delivered, Group, Topic
from models.simulator.outcome import OK, UNREADABLE, error_type_of
from models.simulator.process import Process
from models.simulator.runtime import Runtime
from models.simulator.step_compute import stall
from models.simulator.step_peers import messaging_attributes
from models.simulator.work import Step, Work, run_all
from schemas.telemetry import SpanKind, SpanStatus

RETRY_SECONDS = 0.4


class Subscription:
    """What one service does with one topic."""

    def __init__(self, group: Group, topic: Topic, attempts: int, runtime: Runtime) -> None:
        self.group = group
        self.steps: tuple[Step, ...] = ()
        self.workers = 1
        self._attempts = attempts
        self._topic = topic
        self._runtime = runtime
        self._name = runtime.recorder.name(f"process {topic.name}")
        self._attributes: dict[int, int] = {}

    def work(self, process: Process) -> Generator[Event, Any, None]:
        """Consume until the process ends."""
        group, env = self.group, self._runtime.env
        while not process.stopped:
            if not group.messages:
                turn = Event(env)
                group.wait(process, turn)
                yield turn
                continue
            message = group.messages.popleft()
            group.in_work += 1
            done = yield from self._consume(process, message)
            group.in_work -= 1
            if done:
                group.committed += 1
            else:
                group.messages.appendleft(message)

    def _consume(self, process: Process, message: Delivered) -> Generator[Event, Any, bool]:
        yield from stall(process)
        process.allocate(process.service.spec.allocated_mb)
        for attempt in count() if message.bad else range(self._attempts):
            outcome = yield from self._process(process, message)
            if process.stopped:
                return False
            if outcome == OK:
                process.consumed += 1
                return True
            process.consume_failures += 1
            yield Timeout(self._runtime.env, RETRY_SECONDS * min(attempt + 1, 5))
        return not process.stopped

    def _process(self, process: Process, message: Delivered) -> Generator[Event, Any, int]:
        runtime, recorder = self._runtime, self._runtime.recorder
        began = runtime.env.now
        trace = recorder.follow_trace() if message.trace else 0
        span = recorder.new_span() if trace else 0
        outcome = yield from run_all(self.steps, Work(process, trace, span))
        if message.bad:
            outcome = UNREADABLE
        extra = (process.service.consume_slowness - 1.0) * (runtime.env.now - began)
        if extra > 0.0:
            yield Timeout(runtime.env, extra)
        process.consume_seconds += runtime.env.now - began
        if span and not process.stopped:
            status = SpanStatus.UNSET if outcome == OK else SpanStatus.ERROR
            row = (trace, span, 0, began, runtime.env.now, SpanKind.CONSUMER, status)
            recorder.add((*row, process.resource, self._describe(outcome), self._name))
            recorder.link(message.trace, message.span)
        return outcome

    def _describe(self, outcome: int) -> int:
        number = self._attributes.get(outcome)
        if number is None:
            attributes = messaging_attributes(self._topic, "process")
            attributes["messaging.consumer.group.name"] = self.group.name
            if outcome != OK:
                attributes["error.type"] = error_type_of(outcome)
            number = self._attributes[outcome] = self._runtime.recorder.attributes(attributes)
        return number
