"""How a request gets from one service to another: the name, the handshake, the wire.

Where nothing is wrong nothing is drawn and nothing is waited for.
"""

from models.simulator.dns import NOTICED_SECONDS
from models.simulator.network import Link, handshake_seconds, verdict
from models.simulator.node import Node
from models.simulator.outcome import NOT_RESOLVED, OK, REFUSED, TIMED_OUT, TLS_FAILED
from models.simulator.runtime import Runtime
from models.simulator.service import Pod, Service
from models.simulator.work import Work
from schemas.telemetry import SpanKind, SpanStatus

LOOKUP = "dns.lookup"
HANDSHAKE_SECONDS = 0.006


def approach(runtime: Runtime, work: Work, callee: Service, pod: Pod | None) -> tuple[float, int]:
    """Return how long it takes to get to a callee's pod, and what becomes of the attempt.

    The outcome is OK, `network.SWALLOWED` or a failure; a time that exceeds the caller's patience
    is the caller's business.
    """
    process = work.process
    seconds, outcome = resolve(runtime, work, runtime.address_of(callee.name), outside=False)
    if outcome != OK:
        return seconds, outcome
    if callee.endpoints_gone:
        return seconds, REFUSED
    seconds += _handshake(runtime, process.pod.node, pod)
    caller = process.service
    if callee.mistrusted and _mistrusts(runtime, caller, callee):
        return seconds + HANDSHAKE_SECONDS, TLS_FAILED
    if hindered(caller.link, callee.link):
        return seconds, verdict(runtime.rng, caller.link, callee.link)
    return seconds, OK


def resolve(runtime: Runtime, work: Work, host: str, *, outside: bool) -> tuple[float, int]:
    """Look a name up; a lookup that can be noticed leaves a span."""
    began, process = runtime.env.now, work.process
    seconds, outcome = runtime.dns.lookup(process, host, outside=outside)
    if seconds < NOTICED_SECONDS and outcome == OK:
        return 0.0, OK
    if work.trace:
        recorder = runtime.recorder
        attributes = {
            "dns.question.name": host,
            "server.address": f"{runtime.dns.name}.kube-system.svc.cluster.local",
            "server.port": "53",
        }
        failed = outcome == NOT_RESOLVED
        if failed:
            attributes["error.type"] = "EAI_AGAIN"
        status = SpanStatus.ERROR if failed else SpanStatus.UNSET
        ends = (began, began + seconds, SpanKind.CLIENT, status, process.resource)
        row = (work.trace, recorder.new_span(), work.span, *ends)
        recorder.add((*row, recorder.attributes(attributes), recorder.name(LOOKUP)))
    if outcome not in (OK, NOT_RESOLVED):
        seconds += HANDSHAKE_SECONDS
    return seconds, outcome


def hindered(one: Link, other: Link) -> bool:
    """Whether something on either link decides about exchanges."""
    return one.hindrance is not None or other.hindrance is not None


def _handshake(runtime: Runtime, node: Node, pod: Pod | None) -> float:
    """Draw what new connections wait for when a machine drops their first packets."""
    seconds = 0.0
    if node.connections_dropped:
        node.connection_drops += 1
        seconds += handshake_seconds(runtime.rng, node.connections_dropped)
    if pod is not None and pod.node is not node and pod.node.connections_dropped:
        pod.node.connection_drops += 1
        seconds += handshake_seconds(runtime.rng, pod.node.connections_dropped)
    return seconds


def _mistrusts(runtime: Runtime, caller: Service, callee: Service) -> bool:
    """Whether a caller does not accept what the callee shows as its certificate."""
    share = callee.mistrusted.get(caller.spec.runtime, 0.0)
    return share >= 1.0 or (share > 0.0 and runtime.rng.random() < share)


def failed_after(seconds: float, outcome: int, patience: float) -> tuple[float, int]:
    """Return when a failed attempt ends for a caller with so much patience.

    >>> failed_after(0.3, REFUSED, 2.0), failed_after(0.3, TIMED_OUT, 2.0)
    ((0.3, 2), (2.0, 1))
    """
    if outcome == TIMED_OUT or seconds >= patience:
        return patience, TIMED_OUT
    return seconds, outcome
