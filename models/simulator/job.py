"""A batch job that reads a database with heavy statements.

Throttled it keeps to a few connections and pauses between statements. Without its throttle it
opens one connection after the other for as long as the server lets it.
"""

import random
from collections.abc import Generator
from typing import Any

from simpy.events import Event, Timeout

from models.simulator.cpu import Cpu
from models.simulator.database import Database
from models.simulator.kernel import Task
from models.simulator.node import Node
from models.simulator.outcome import TOO_MANY_CONNECTIONS, error_type_of
from models.simulator.runtime import Runtime
from models.simulator.step_statements import PORTS, SYSTEMS
from models.simulator.topology import JobSpec
from schemas.codecs.statements import normalise_statement
from schemas.telemetry import SpanKind, SpanStatus

SPAWN_SECONDS = 0.7
RETRY_SECONDS = 0.5
MAX_WORKERS = 400


class Job:
    """One job with its workers, each holding one connection while it reads."""

    def __init__(self, spec: JobSpec, database: Database, node: Node, runtime: Runtime) -> None:
        self.spec = spec
        self.database = database
        self.node = node
        self.cpu = Cpu(node.cpu, 1)
        self.pod_name = ""
        self.resource = 0
        self.throttled = True
        self.workers = 0
        self.statements = 0
        self.failures = 0
        self._runtime = runtime
        recorder = runtime.recorder
        self._root = recorder.name("read partition")
        self._query = recorder.name(spec.statement)
        self._plain = recorder.attributes({})
        self._attributes = {ok: recorder.attributes(self._describe(ok)) for ok in (True, False)}

    @property
    def rng(self) -> random.Random:
        """The run's randomness."""
        return self._runtime.rng

    def start(self) -> None:
        """Start the throttled workers."""
        for _ in range(self.spec.parallel):
            self._spawn(self.rng.random() * self.spec.pause_seconds)

    def unthrottle(self) -> None:
        """Let it open connections without a limit."""
        self.throttled = False
        env = self._runtime.env
        Task(self._flood(), Timeout(env, 0.0))

    def throttle(self) -> None:
        """Put the limit back; workers over it end after their statement."""
        self.throttled = True

    def _spawn(self, delay: float) -> None:
        self.workers += 1
        Task(self._read(), Timeout(self._runtime.env, delay))

    def _flood(self) -> Generator[Event, Any, None]:
        while not self.throttled:
            if self.workers < MAX_WORKERS:
                self._spawn(0.0)
            yield Timeout(self._runtime.env, SPAWN_SECONDS * (0.5 + self.rng.random()))

    def _read(self) -> Generator[Event, Any, None]:
        env = self._runtime.env
        while self.workers <= self.spec.parallel or not self.throttled:
            if not self.database.connect(self.spec.name):
                self.failures += 1
                if self.throttled or self.failures % 25 == 0:
                    self._report(env.now, ok=False)
                yield Timeout(env, RETRY_SECONDS * (0.5 + self.rng.random()))
                continue
            yield from self._hold_connection()
            self.database.disconnect(self.spec.name, 1)
            if self.throttled:
                yield Timeout(env, self.spec.pause_seconds * (0.5 + self.rng.random()))
        self.workers -= 1

    def _hold_connection(self) -> Generator[Event, Any, None]:
        """Read on one connection: once, or for as long as nothing throttles it."""
        env, database = self._runtime.env, self.database
        while True:
            began = env.now
            number, stretch = database.begin(self.spec.name)
            yield Timeout(env, database.seconds(self.rng, self.spec.statement, stretch))
            database.end(number)
            self.cpu.used_seconds += 0.05 * (env.now - began)
            self.statements += 1
            self._report(began, ok=True)
            if self.throttled or self.rng.random() < 0.1:
                return

    def _report(self, began: float, *, ok: bool) -> None:
        recorder, now = self._runtime.recorder, self._runtime.env.now
        trace = recorder.new_trace()
        if not trace:
            return
        root, query = recorder.new_span(), recorder.new_span()
        status = SpanStatus.UNSET if ok else SpanStatus.ERROR
        row = (trace, query, root, began, now, SpanKind.CLIENT, status, self.resource)
        recorder.add((*row, self._attributes[ok], self._query))
        row = (trace, root, 0, began, now, SpanKind.INTERNAL, status, self.resource)
        recorder.add((*row, self._plain, self._root))

    def _describe(self, ok: bool) -> dict[str, str]:
        spec = self.database.spec
        attributes = {
            "db.system.name": SYSTEMS[spec.engine],
            "db.namespace": spec.schema,
            "db.operation.name": self.spec.statement.split(" ", 1)[0],
            "db.query.text": normalise_statement(spec.statements[self.spec.statement].text),
            "server.address": spec.address or spec.name,
            "server.port": PORTS[spec.engine],
        }
        if not ok:
            attributes["error.type"] = error_type_of(TOO_MANY_CONNECTIONS)
        return attributes
