"""The steps towards caches, topics and third parties: peers that have no spans of their own."""

from simpy.events import Timeout

from models.simulator.broker import Delivered, Topic
from models.simulator.cache import Cache
from models.simulator.external import External
from models.simulator.kernel import Steps
from models.simulator.network import SWALLOWED, exchange_seconds, handshake_seconds, verdict
from models.simulator.outcome import (
    OK,
    REFUSED,
    RETRYABLE,
    TIMED_OUT,
    TLS_FAILED,
    error_type_of,
)
from models.simulator.passage import failed_after, hindered, resolve
from models.simulator.runtime import Runtime
from models.simulator.topology import CacheSpec, ExternalCallSpec, PolicySpec
from models.simulator.work import Step, Work, run_all
from schemas.telemetry import SpanKind, SpanStatus

REFUSED_SECONDS = 0.002
HANDSHAKE_SECONDS = 0.02
CACHE_TIMEOUT_SECONDS = 0.5
PUBLISH_TIMEOUT_SECONDS = 3.0
PUBLISH_ATTEMPTS = 2
NOTICED_SECONDS = 0.25
"""A slower append shows as a request to the broker of its own."""
SEND, METADATA = "send batch", "update metadata"


class PeerSpan:
    """Writes the CLIENT or PRODUCER spans towards one peer."""

    __slots__ = ("_attributes", "_kind", "_known", "_name", "_peer", "_runtime")

    def __init__(
        self, runtime: Runtime, peer: str, name: str, attributes: dict[str, str], kind: SpanKind
    ) -> None:
        self._runtime = runtime
        self._peer = peer
        self._name = runtime.recorder.name(name)
        self._attributes = attributes
        self._kind = kind
        self._known: dict[int, int] = {}

    def record(self, work: Work, span: int, began: float, outcome: int) -> None:
        """Record one attempt that ends now."""
        now, process = self._runtime.env.now, work.process
        if process.stopped:
            return
        process.count_call(self._peer, now - began, failed=outcome != OK)
        if not span:
            return
        attributes = self._known.get(outcome)
        if attributes is None:
            attributes = self._known[outcome] = self._describe(outcome)
        status = SpanStatus.UNSET if outcome == OK else SpanStatus.ERROR
        row = (work.trace, span, work.span, began, now, self._kind, status)
        self._runtime.recorder.add((*row, process.resource, attributes, self._name))

    def _describe(self, outcome: int) -> int:
        attributes = dict(self._attributes)
        if (
            self._kind == SpanKind.CLIENT
            and "http.request.method" in attributes
            and outcome >= 200
        ):
            attributes["http.response.status_code"] = str(outcome)
        if outcome != OK:
            attributes["error.type"] = error_type_of(outcome)
        return self._runtime.recorder.attributes(attributes)


class UseCache:
    """A read through a cache, or a write to it. A cache that fails is treated as a miss."""

    __slots__ = ("_cache", "_otherwise", "_runtime", "_span", "_spec")

    def __init__(
        self, spec: CacheSpec, cache: Cache, otherwise: tuple[Step, ...], runtime: Runtime
    ) -> None:
        self._spec = spec
        self._cache = cache
        self._otherwise = otherwise
        self._runtime = runtime
        attributes = {
            "db.system.name": "redis",
            "db.operation.name": spec.operation,
            "server.address": cache.spec.name,
            "server.port": "6379",
        }
        name = cache.spec.name
        self._span = PeerSpan(runtime, name, spec.operation, attributes, SpanKind.CLIENT)

    def run(self, work: Work) -> Steps:
        """Ask the cache, and whatever stands behind it when it does not know."""
        runtime, cache = self._runtime, self._cache
        began, span = runtime.env.now, runtime.recorder.new_span() if work.trace else 0
        outcome = self._crossed(work)
        if outcome in (REFUSED, TIMED_OUT):
            waited = REFUSED_SECONDS if outcome == REFUSED else CACHE_TIMEOUT_SECONDS
            yield Timeout(runtime.env, waited)
        else:
            way = exchange_seconds(runtime.rng, work.process.service.link, cache.link)
            cache.cpu.enter(began)
            seconds = way + cache.seconds(runtime.rng) + cache.queue(began)
            if seconds > CACHE_TIMEOUT_SECONDS:
                seconds, outcome = CACHE_TIMEOUT_SECONDS, TIMED_OUT
            yield Timeout(runtime.env, seconds)
            cache.cpu.leave(runtime.env.now)
        self._span.record(work, span, began, outcome)
        if outcome == OK and cache.hit(runtime.rng, self._spec.hit_ratio):
            return OK
        return (yield from run_all(self._otherwise, work))

    def _crossed(self, work: Work) -> int:
        """Whether the cache takes the command."""
        cache, rng = self._cache, self._runtime.rng
        if not cache.up:
            return REFUSED
        link = work.process.service.link
        if hindered(link, cache.link) and (met := verdict(rng, link, cache.link)) != OK:
            return TIMED_OUT if met == SWALLOWED else met
        return cache.verdict(rng, self._spec.operation)


class Publish:
    """One message to a topic, acknowledged by the broker."""

    __slots__ = ("_runtime", "_span", "_topic")

    def __init__(self, topic: Topic, runtime: Runtime) -> None:
        self._topic = topic
        self._runtime = runtime
        attributes = messaging_attributes(topic, "publish")
        self._span = PeerSpan(
            runtime, topic.broker.spec.name, f"publish {topic.name}", attributes, SpanKind.PRODUCER
        )

    def run(self, work: Work) -> Steps:
        """Publish and wait for the acknowledgement."""
        outcome = yield from self._attempt(work)
        for _ in range(PUBLISH_ATTEMPTS - 1):
            if outcome == OK or work.process.stopped:
                break
            yield from self._refresh(work, outcome)
            outcome = yield from self._attempt(work)
        return outcome

    def _attempt(self, work: Work) -> Steps:
        runtime, broker = self._runtime, self._topic.broker
        began, span = runtime.env.now, runtime.recorder.new_span() if work.trace else 0
        link = work.process.service.link
        way = exchange_seconds(runtime.rng, link, broker.link)
        outcome = broker.verdict(runtime.rng)
        if outcome == OK and hindered(link, broker.link):
            outcome = verdict(runtime.rng, link, broker.link)
        seconds = way + broker.publish_seconds(runtime.rng)
        if outcome in (TIMED_OUT, SWALLOWED) or seconds > PUBLISH_TIMEOUT_SECONDS:
            seconds, outcome = PUBLISH_TIMEOUT_SECONDS, TIMED_OUT
        yield Timeout(runtime.env, seconds)
        if outcome == OK:
            self._topic.publish(Delivered(work.trace, span, runtime.env.now))
        self._span.record(work, span, began, outcome)
        if seconds > NOTICED_SECONDS:
            self._tell_of_broker(work, SEND, began, outcome)
        return outcome

    def _refresh(self, work: Work, outcome: int) -> Steps:
        """Ask the broker who leads the partition now, as clients do after a failure."""
        runtime, broker = self._runtime, self._topic.broker
        began, seconds = runtime.env.now, REFUSED_SECONDS
        if outcome == TIMED_OUT and not broker.online:
            seconds = 1.0
        yield Timeout(runtime.env, seconds)
        self._tell_of_broker(work, METADATA, began, outcome if broker.online else REFUSED)
        return OK

    def _tell_of_broker(self, work: Work, name: str, began: float, outcome: int) -> None:
        """Record a request to the broker itself, which is about no single topic."""
        recorder = self._runtime.recorder
        if not work.trace or work.process.stopped:
            return
        attributes = {
            "messaging.system": "kafka",
            "server.address": self._topic.broker.spec.name,
            "server.port": "9092",
        }
        if outcome != OK:
            attributes["error.type"] = error_type_of(outcome)
        status = SpanStatus.ERROR if outcome != OK else SpanStatus.UNSET
        ends = (began, self._runtime.env.now, SpanKind.CLIENT, status, work.process.resource)
        row = (work.trace, recorder.new_span(), work.span, *ends)
        recorder.add((*row, recorder.attributes(attributes), recorder.name(name)))


class CallExternal:
    """A request to a third party."""

    __slots__ = ("_external", "_policy", "_runtime", "_span", "_spec")

    def __init__(
        self, spec: ExternalCallSpec, external: External, policy: PolicySpec, runtime: Runtime
    ) -> None:
        self._spec = spec
        self._external = external
        self._policy = policy
        self._runtime = runtime
        attributes = {
            "http.request.method": spec.operation.split(" ", 1)[0],
            "url.host": external.spec.host,
            "server.address": external.spec.host,
            "server.port": "443",
        }
        method = attributes["http.request.method"]
        self._span = PeerSpan(runtime, external.spec.host, method, attributes, SpanKind.CLIENT)

    def run(self, work: Work) -> Steps:
        """Try until it works or the retries are used up."""
        rng, policy = self._runtime.rng, self._policy
        if self._spec.chance < 1.0 and rng.random() >= self._spec.chance:
            return OK
        outcome = yield from self._attempt(work)
        for _ in range(policy.retries):
            if outcome not in RETRYABLE or work.process.stopped:
                break
            yield Timeout(self._runtime.env, policy.backoff_seconds * (0.5 + rng.random()))
            outcome = yield from self._attempt(work)
        return outcome if self._spec.required else OK

    def _attempt(self, work: Work) -> Steps:
        runtime, external = self._runtime, self._external
        began, span = runtime.env.now, runtime.recorder.new_span() if work.trace else 0
        way = exchange_seconds(runtime.rng, work.process.service.link, external.link)
        seconds, outcome = self._reached(work)
        if outcome == OK:
            if external.certificate_expired:
                seconds, outcome = HANDSHAKE_SECONDS, TLS_FAILED
            else:
                took, outcome = external.answer(runtime.rng, began)
                seconds += took
        patience = self._policy.timeout_seconds
        seconds, outcome = failed_after(way + seconds, outcome, patience)
        yield Timeout(runtime.env, seconds)
        self._span.record(work, span, began, outcome)
        return outcome

    def _reached(self, work: Work) -> tuple[float, int]:
        """Return how long it takes to get to the third party, and whether one gets there."""
        runtime, external, process = self._runtime, self._external, work.process
        seconds, outcome = resolve(runtime, work, external.spec.host, outside=True)
        if outcome != OK:
            return seconds, outcome
        node, link = process.pod.node, process.service.link
        lost = max(node.connections_dropped, process.service.ports_taken)
        if lost:
            node.connection_drops += 1
            seconds += handshake_seconds(runtime.rng, lost)
        if not external.reachable:
            return seconds, TIMED_OUT
        if hindered(link, external.link):
            met = verdict(runtime.rng, link, external.link)
            return seconds, TIMED_OUT if met == SWALLOWED else met
        return seconds, OK


def messaging_attributes(topic: Topic, operation: str) -> dict[str, str]:
    """Return the semantic conventions' attributes of a messaging span."""
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": topic.name,
        "messaging.operation.type": operation,
        "server.address": topic.broker.spec.name,
        "server.port": "9092",
    }
