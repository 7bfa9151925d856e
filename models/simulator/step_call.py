"""The step that calls another service: attempts, timeout, back-off, a CLIENT span for each."""

from simpy.events import Event, Timeout

from models.simulator.kernel import Steps, Task
from models.simulator.network import SWALLOWED, exchange_seconds
from models.simulator.outcome import (
    OK,
    REFUSED,
    RETRYABLE,
    TLS_FAILED,
    UNREADABLE,
    error_type_of,
)
from models.simulator.passage import approach, failed_after
from models.simulator.runtime import Runtime
from models.simulator.service import Edge
from models.simulator.serving import Endpoint, serve
from models.simulator.topology import CallSpec
from models.simulator.work import Work
from schemas.telemetry import SpanKind, SpanStatus

REFUSED_SECONDS = 0.002
HANDSHAKE_SECONDS = 0.006
BACKOFF_GROWTH = 2.0
PORT = "8080"


class Call:
    """A request to an endpoint of another service."""

    __slots__ = ("_attributes", "_edge", "_endpoint", "_method", "_name", "_runtime", "_spec")

    def __init__(self, spec: CallSpec, edge: Edge, endpoint: Endpoint, runtime: Runtime) -> None:
        self._spec = spec
        self._edge = edge
        self._endpoint = endpoint
        self._runtime = runtime
        self._method = spec.endpoint.split(" ", 1)[0]
        self._name = runtime.recorder.name(self._method)
        self._attributes: dict[int, int] = {}

    def run(self, work: Work) -> Steps:
        """Try until it works, the failure is final or the retries are used up."""
        rng, edge = self._runtime.rng, self._edge
        if self._spec.chance < 1.0 and rng.random() >= self._spec.chance:
            return OK
        outcome = yield from self._tried(work)
        for _ in range(edge.repeats - 1):
            if outcome != OK:
                break
            outcome = yield from self._tried(work)
        return outcome if self._spec.required else OK

    def _tried(self, work: Work) -> Steps:
        rng, edge = self._runtime.rng, self._edge
        pause = edge.backoff_seconds
        outcome = yield from self._attempt(work)
        for _ in range(edge.retries):
            if outcome not in RETRYABLE or work.process.stopped:
                break
            if pause:
                yield Timeout(self._runtime.env, pause * (0.5 + rng.random()))
                pause *= BACKOFF_GROWTH
            outcome = yield from self._attempt(work)
        return outcome

    def _attempt(self, work: Work) -> Steps:
        runtime, process = self._runtime, work.process
        env, callee = runtime.env, self._endpoint.service
        began = env.now
        span = runtime.recorder.new_span() if work.trace else 0
        pod = callee.pick()
        gate = callee.gate if self._edge.gate is None else self._edge.gate
        seconds, passed = approach(runtime, work, callee, pod)
        if passed not in (OK, SWALLOWED):
            seconds, outcome = failed_after(seconds, passed, self._edge.timeout_seconds)
            yield Timeout(env, max(seconds, REFUSED_SECONDS))
        elif pod is None or pod.process is None:
            yield Timeout(env, REFUSED_SECONDS)
            outcome = REFUSED
        elif callee.certificate_expired:
            yield Timeout(env, HANDSHAKE_SECONDS)
            outcome = TLS_FAILED
        elif gate is not None and (stopped := gate.stop(runtime.rng)) != OK:
            yield Timeout(env, REFUSED_SECONDS)
            outcome = stopped
            if gate.counted and pod.process is not None:
                pod.process.count(stopped, REFUSED_SECONDS)
        else:
            reply = Event(env)
            self._edge.limit(reply)
            way = seconds + exchange_seconds(runtime.rng, process.service.link, callee.link)
            if gate is not None:
                way += gate.delay_seconds * (0.7 + 0.6 * runtime.rng.random())
            answer = Event(env) if passed == SWALLOWED else reply
            request = serve(pod.process, self._endpoint, answer, (work.trace, span))
            Task(request, Timeout(env, way))
            outcome = yield reply
            if gate is not None:
                outcome = gate.answer(runtime.rng, outcome)
            if callee.garbled and outcome == OK and runtime.rng.random() < callee.garbled:
                outcome = UNREADABLE
        if not process.stopped:
            self._report(work, span, began, outcome)
        return int(outcome)

    def _report(self, work: Work, span: int, began: float, outcome: int) -> None:
        now = self._runtime.env.now
        process = work.process
        process.count_call(self._endpoint.service.name, now - began, failed=outcome != OK)
        if span:
            attributes = self._attributes.get(outcome)
            if attributes is None:
                attributes = self._attributes[outcome] = self._describe(outcome)
            status = SpanStatus.UNSET if outcome == OK else SpanStatus.ERROR
            row = (work.trace, span, work.span, began, now, SpanKind.CLIENT, status)
            self._runtime.recorder.add((*row, process.resource, attributes, self._name))

    def _describe(self, outcome: int) -> int:
        peer = self._endpoint.service.name
        attributes = {
            "http.request.method": self._method,
            "server.address": self._runtime.address_of(peer),
            "server.port": "8443" if self._endpoint.service.spec.tls else PORT,
        }
        if outcome >= 200:
            attributes["http.response.status_code"] = str(outcome)
        if outcome != OK:
            attributes["error.type"] = error_type_of(outcome)
        return self._runtime.recorder.attributes(attributes)
