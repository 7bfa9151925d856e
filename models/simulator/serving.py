"""The server side of a request: admission, a thread, the endpoint's steps, the answer."""

from collections.abc import Generator
from typing import Any

from simpy.events import Event

from models.simulator.kernel import Steps
from models.simulator.outcome import (
    ABANDONED,
    OK,
    REFUSED,
    RESET,
    UNAVAILABLE,
    error_type_of,
    response_to,
)
from models.simulator.process import Process
from models.simulator.runtime import Runtime
from models.simulator.service import Service
from models.simulator.step_compute import stall
from models.simulator.trouble import KILLED, NEVER
from models.simulator.work import Step, Work, run_all
from schemas.telemetry import SpanKind, SpanStatus


class Endpoint:
    """An endpoint of a service: its steps, filled in once all services exist."""

    __slots__ = ("_attributes", "name", "runtime", "service", "span_name", "steps")

    def __init__(self, name: str, service: Service, runtime: Runtime) -> None:
        self.name = name
        self.service = service
        self.runtime = runtime
        self.steps: tuple[Step, ...] = ()
        self.span_name = runtime.recorder.name(name)
        self._attributes: dict[tuple[int, int], int] = {}

    def attributes(self, status: int, outcome: int) -> int:
        """Return the attribute set of a SERVER span that ended so."""
        number = self._attributes.get((status, outcome))
        if number is None:
            method, route = self.name.split(" ", 1)
            attributes = {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": str(status),
            }
            if status >= 500:
                attributes["error.type"] = error_type_of(outcome)
            number = self.runtime.recorder.attributes(attributes)
            self._attributes[(status, outcome)] = number
        return number


def serve(
    process: Process, endpoint: Endpoint, reply: Event, context: tuple[int, int]
) -> Generator[Event, Any, None]:
    """Handle one request from its arrival on; the caller may be gone when it is answered."""
    if process.stopped:
        _answer(reply, REFUSED)
        return
    process.inflight[reply] = None
    process.allocate(process.service.spec.allocated_mb)
    if process.stalled:
        yield from stall(process)
    if not (yield from _admitted(process, reply)):
        return
    env, recorder = process.env, endpoint.runtime.recorder
    started, (trace, parent) = env.now, context
    span = recorder.new_span() if trace else 0
    outcome = yield from _worked(endpoint, Work(process, trace, span))
    if outcome == ABANDONED or process.stopped:
        return
    if outcome == NEVER:
        return  # the thread is never given back, and the request never answered
    if outcome == KILLED:
        _release(process)
        process.inflight.pop(reply, None)
        _answer(reply, RESET)
        return
    status, now = response_to(outcome), env.now
    process.count(status, now - started)
    if span:
        code = SpanStatus.ERROR if status >= 500 else SpanStatus.UNSET
        row = (trace, span, parent, started, now, SpanKind.SERVER, code, process.resource)
        recorder.add((*row, endpoint.attributes(status, outcome), endpoint.span_name))
    _release(process)
    process.inflight.pop(reply, None)
    _answer(reply, status)


def _worked(endpoint: Endpoint, work: Work) -> Steps:
    """Run the endpoint's steps, with whatever goes wrong before and after them."""
    service = endpoint.service
    if service.trouble is not None:
        outcome = yield from service.trouble.enter(work, endpoint.name)
        if work.process.stopped:
            return ABANDONED
        if outcome != OK:
            return outcome
    outcome = yield from run_all(endpoint.steps, work)
    if outcome == ABANDONED or work.process.stopped:
        return ABANDONED
    if service.block_ratio and endpoint.runtime.rng.random() < service.block_ratio:
        return NEVER
    return outcome


def _admitted(process: Process, reply: Event) -> Steps:
    """Take a thread, wait in the backlog for one, or be turned away."""
    if process.stopped:
        return False
    if process.busy < process.threads:
        process.busy += 1
        return True
    if len(process.backlog) >= process.backlog_limit:
        process.rejected += 1
        process.count(UNAVAILABLE, 0.001)
        process.inflight.pop(reply, None)
        _answer(reply, UNAVAILABLE)
        return False
    turn = Event(process.env)
    process.backlog.append((process.env.now, turn))
    yield turn
    return not process.stopped


def _release(process: Process) -> None:
    """Give the thread to the request that waits longest, or free it."""
    if process.backlog and process.busy <= process.threads:
        process.backlog.popleft()[1].succeed()
    else:
        process.busy -= 1


def _answer(reply: Event, status: int) -> None:
    if not reply.triggered:
        reply.succeed(status)
