"""The step that runs statements on a pooled connection: waiting, running, giving back."""

from collections.abc import Generator
from typing import Any

from simpy.events import Event, Timeout

from models.simulator.database import Database
from models.simulator.kernel import Steps
from models.simulator.network import SWALLOWED, exchange_seconds, verdict
from models.simulator.outcome import (
    ABANDONED,
    OK,
    REFUSED,
    RESET,
    STATEMENT_TIMED_OUT,
    TIMED_OUT,
    error_type_of,
)
from models.simulator.passage import hindered
from models.simulator.pool import Pool
from models.simulator.runtime import Runtime
from models.simulator.topology import StatementsSpec
from models.simulator.work import Work
from schemas.codecs.statements import normalise_statement
from schemas.telemetry import SpanKind, SpanStatus

PORTS = {"mysql": "3306", "postgres": "5432"}
LONG_WAY_SECONDS = 0.01
"""A longer way is waited for apart, so that the server does not count it as running time."""
BROKEN = frozenset({RESET, TIMED_OUT})
"""After these a connection is no good any more."""
BROKEN_SECONDS = 0.003
SYSTEMS = {"mysql": "mysql", "postgres": "postgresql"}


class RunStatements:
    """Statements of one transaction."""

    __slots__ = ("_acquire", "_attributes", "_database", "_failed", "_names", "_runtime", "_spec")

    def __init__(self, spec: StatementsSpec, database: Database, runtime: Runtime) -> None:
        self._spec = spec
        self._database = database
        self._runtime = runtime
        recorder = runtime.recorder
        self._acquire = recorder.name("pool.acquire")
        self._names = {s: recorder.name(s) for s in spec.statements}
        self._attributes: dict[tuple[str, int], int] = {}
        self._failed: dict[int, int] = {}

    def run(self, work: Work) -> Steps:
        """Take a connection, run the statements, give the connection back."""
        rng = self._runtime.rng
        if self._spec.chance < 1.0 and rng.random() >= self._spec.chance:
            return OK
        pool = work.process.pools[self._database.spec.name]
        connection = pool.take()
        if connection is None:
            connection = yield from self._wait(work, pool)
            if connection < 0:
                return -int(connection)
        since, outcome = self._runtime.env.now, OK
        for statement in self._spec.statements * work.process.service.statement_repeats:
            outcome = yield from self._execute(work, statement, pool.spec.statement_seconds)
            if outcome != OK:
                break
        pool.uses += 1
        pool.use_seconds += self._runtime.env.now - since
        leak = work.process.service.leak_ratio
        if leak and rng.random() < leak:
            pool.leaked += 1
        elif outcome in BROKEN:
            pool.discard()
        else:
            pool.give_back(connection)
        return outcome

    def _wait(self, work: Work, pool: Pool) -> Generator[Event, Any, float]:
        began = self._runtime.env.now
        connection = yield from pool.wait()
        now = self._runtime.env.now
        if work.trace and not work.process.stopped and now - began > 0.001:
            outcome = -int(connection) if connection < 0 else OK
            attributes = self._describe_wait(outcome)
            status = SpanStatus.ERROR if outcome != OK else SpanStatus.UNSET
            span = self._runtime.recorder.new_span()
            row = (work.trace, span, work.span, began, now, SpanKind.INTERNAL, status)
            self._runtime.recorder.add((*row, work.process.resource, attributes, self._acquire))
        return connection

    def _execute(self, work: Work, statement: str, limit: float) -> Steps:
        runtime, database, process = self._runtime, self._database, work.process
        env, rng = runtime.env, runtime.rng
        began = env.now
        way = exchange_seconds(rng, process.service.link, database.link)
        outcome = self._crossed(work)
        if outcome != OK:
            yield Timeout(env, limit if outcome == TIMED_OUT else BROKEN_SECONDS)
        else:
            if way > LONG_WAY_SECONDS:
                yield Timeout(env, way)
                way = 0.0
            number, stretch = database.begin(process.service.name)
            seconds = database.seconds(rng, statement, stretch)
            if seconds <= limit:
                yield Timeout(env, way + seconds)
                database.end(number)
                outcome = database.verdict(rng, statement)
            else:
                Timeout(env, seconds).callbacks.append(lambda _: database.end(number))
                yield Timeout(env, limit)
                outcome = STATEMENT_TIMED_OUT
        if process.stopped:
            return ABANDONED
        self._report(work, statement, began, outcome)
        return outcome

    def _crossed(self, work: Work) -> int:
        """Whether a statement gets to its server and the answer back."""
        database, link = self._database, work.process.service.link
        if not database.condition.up:
            return RESET
        if not hindered(link, database.link):
            return OK
        met = verdict(self._runtime.rng, link, database.link)
        if met == SWALLOWED:
            return TIMED_OUT
        return RESET if met == REFUSED else met

    def _report(self, work: Work, statement: str, began: float, outcome: int) -> None:
        runtime, database, process = self._runtime, self._database, work.process
        now = runtime.env.now
        process.count_call(database.spec.name, now - began, failed=outcome != OK)
        if work.trace:
            attributes = self._attributes.get((statement, outcome))
            if attributes is None:
                attributes = self._describe(statement, outcome)
                self._attributes[(statement, outcome)] = attributes
            status = SpanStatus.ERROR if outcome != OK else SpanStatus.UNSET
            span = runtime.recorder.new_span()
            row = (work.trace, span, work.span, began, now, SpanKind.CLIENT, status)
            runtime.recorder.add((*row, process.resource, attributes, self._names[statement]))

    def _describe(self, statement: str, outcome: int) -> int:
        spec = self._database.spec
        attributes = {
            "db.system.name": SYSTEMS[spec.engine],
            "db.namespace": spec.schema,
            "db.operation.name": statement.split(" ", 1)[0],
            "db.query.text": normalise_statement(spec.statements[statement].text),
            "server.address": spec.address or spec.name,
            "server.port": PORTS[spec.engine],
        }
        if outcome != OK:
            attributes["error.type"] = error_type_of(outcome)
        return self._runtime.recorder.attributes(attributes)

    def _describe_wait(self, outcome: int) -> int:
        number = self._failed.get(outcome)
        if number is None:
            spec = self._database.spec
            attributes = {"db.system.name": SYSTEMS[spec.engine], "pool.name": spec.name}
            if outcome != OK:
                attributes["error.type"] = error_type_of(outcome)
            number = self._failed[outcome] = self._runtime.recorder.attributes(attributes)
        return number
