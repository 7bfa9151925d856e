"""What spans add to the panes of services and edges, and the panes as signals.

Part of the span reducer. An edge points from the caller to what it depends on: client -> server,
producer -> queue, and also consumer -> queue.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.pane_book import BookState, PaneBook
from pipeline.reduce.roster import Roster
from pipeline.reduce.series_store import Place
from pipeline.reduce.span_facts import Mark
from pipeline.reduce.span_rows import Contender
from pipeline.reduce.usual_calls import WHOLE
from schemas.signal import EdgePane, ServicePane
from schemas.telemetry import SpanKind

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]

_SERVICE = ("count", "errors", "origin_errors", "duration", "self", "wait")
_EDGE = (
    "count",
    "errors",
    "timeouts",
    "refused",
    "tls_errors",
    "duration",
    "parents",
    "served",
    "expected",
    "made",
    "broke",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Spans that count for an edge; `parents` flags the first one of each parent span."""

    caller: Ids
    callee: Ids
    start_ns: Ids
    end_ns: Ids
    kind: NDArray[np.uint8]
    failed: Flags
    marks: NDArray[np.uint8]
    parents: Flags
    text: Ids
    texts: tuple[str, ...]
    contender: Callable[[int], Contender]


class SpanBooks:
    """The open panes of services and edges."""

    def __init__(self, config: ReduceConfig) -> None:
        self._config = config
        self._pane_ns = config.pane_ms * 1_000_000
        self.services = PaneBook(_SERVICE, config.exemplars_per_pane)
        self.edges = PaneBook(_EDGE, config.exemplars_per_pane)
        self.oldest_pane = 0

    def in_time(self, end_ns: Ids) -> Flags:
        """Say which ends lie in panes that still take spans."""
        return end_ns // self._pane_ns >= self.oldest_pane

    def serve(
        self,
        component: Ids,
        start_ns: Ids,
        end_ns: Ids,
        failed: Flags,
        contender: Callable[[int], Contender],
    ) -> None:
        """Count spans that components served."""
        rows = self._service_rows(component, end_ns)
        durations = end_ns - start_ns
        self.services.add(rows, "count")
        self.services.add(rows[failed], "errors")
        self.services.add(rows, "duration", durations)
        self.services.add_durations(rows, durations)
        self.services.show(rows, durations, failed, contender)

    def wait(self, component: Ids, start_ns: Ids, end_ns: Ids) -> None:
        """Count time that components spent waiting for pools and locks."""
        self.services.add(self._service_rows(component, end_ns), "wait", end_ns - start_ns)

    def own(self, component: Ids, end_ns: Ids, self_ns: Ids, origins: Ids) -> None:
        """Add self time and origin errors, or take back what later spans disproved."""
        timely = self.in_time(end_ns) & ((self_ns != 0) | (origins != 0))
        rows = self._service_rows(component[timely], end_ns[timely])
        self.services.add(rows, "self", self_ns[timely])
        self.services.add(rows, "origin_errors", origins[timely])

    def call(self, calls: Calls) -> None:
        """Count calls."""
        rows = self._edge_rows(calls.caller, calls.callee, calls.end_ns)
        # How long a consumer works says nothing about its queue; `lag` does.
        consumed = calls.kind == SpanKind.CONSUMER
        durations = np.where(consumed, 0, calls.end_ns - calls.start_ns)
        failed = calls.failed & ~consumed
        self.edges.add(rows, "count")
        self.edges.add(rows[failed], "errors")
        for column, mark in (
            ("timeouts", Mark.TIMEOUT),
            ("refused", Mark.REFUSED),
            ("tls_errors", Mark.TLS),
        ):
            self.edges.add(rows[((calls.marks & mark) != 0) & ~consumed], column)
        self.edges.add(rows, "duration", durations)
        self.edges.add(rows[calls.parents], "parents")
        self.edges.add_durations(rows[~consumed], durations[~consumed])
        limit = self._config.statements_tracked
        self.edges.add_statements(rows, calls.text, calls.texts, durations, limit)
        shown = np.flatnonzero(~consumed)
        self.edges.show(
            rows[shown],
            durations[shown],
            failed[shown],
            lambda at: calls.contender(int(shown[at])),
        )

    def serve_call(self, caller: Ids, callee: Ids, end_ns: Ids) -> None:
        """Count calls whose server span was seen."""
        timely = self.in_time(end_ns)
        rows = self._edge_rows(caller[timely], callee[timely], end_ns[timely])
        self.edges.add(rows, "served")

    def expect(self, said: Mapping[tuple[int, int, int], tuple[int, int]]) -> None:
        """Count calls that requests usually make, in millionths, and those that they made."""
        if not said:
            return
        caller, callee, pane = np.array(list(said), np.int64).T
        amounts = np.array(list(said.values()), np.int64)
        rows = self.edges.rows(caller, callee, pane)
        self.edges.add(rows, "expected", amounts[:, 0])
        self.edges.add(rows, "made", amounts[:, 1])

    def break_off(self, caller: Ids, callee: Ids, end_ns: Ids, amount: int) -> None:
        """Count requests that broke off after a call to this callee, or take them back."""
        if len(caller):
            self.edges.add(self._edge_rows(caller, callee, end_ns), "broke", amount)

    def lag(self, caller: Ids, callee: Ids, end_ns: Ids, lag_ns: Ids) -> None:
        """Count how long consumed messages had lain in their queue."""
        timely = self.in_time(end_ns)
        rows = self._edge_rows(caller[timely], callee[timely], end_ns[timely])
        self.edges.add(rows, "duration", lag_ns[timely])
        self.edges.add_durations(rows, lag_ns[timely])

    def expire(self, event_ms: int) -> None:
        """Forget panes that event time has left behind."""
        keep_ms = int(self._config.pane_keep_seconds * 1000)
        oldest = (event_ms - keep_ms) // self._config.pane_ms
        if oldest > self.oldest_pane:
            self.oldest_pane = oldest
            self.services.expire(oldest)
            self.edges.expire(oldest)

    def service_panes(self, places: Roster[Place], environment: str) -> tuple[ServicePane, ...]:
        """Return the service panes of an environment that changed, and note them as told."""
        panes = []
        for row in self.services.changed():
            first, _, pane = self.services.place_of(row)
            name, component = places.members[first]
            if name != environment:
                continue
            self.services.told(row)
            totals = self.services.totals(row)
            panes.append(
                ServicePane(
                    component=component,
                    start_ms=pane * self._config.pane_ms,
                    count=totals["count"],
                    errors=totals["errors"],
                    origin_errors=totals["origin_errors"],
                    duration_ms=totals["duration"] / 1e6,
                    self_ms=totals["self"] / 1e6,
                    wait_ms=totals["wait"] / 1e6,
                    sketch=self.services.sketch(row),
                    exemplars=self.services.exemplars(row),
                )
            )
        return tuple(sorted(panes, key=lambda pane: (pane.component, pane.start_ms)))

    def edge_panes(self, places: Roster[Place], environment: str) -> tuple[EdgePane, ...]:
        """Return the edge panes of an environment that changed, and note them as told."""
        panes = []
        for row in self.edges.changed():
            first, second, pane = self.edges.place_of(row)
            name, caller = places.members[first]
            if name != environment:
                continue
            self.edges.told(row)
            totals = self.edges.totals(row)
            panes.append(
                EdgePane(
                    caller=caller,
                    callee=places.members[second][1],
                    start_ms=pane * self._config.pane_ms,
                    count=totals["count"],
                    errors=totals["errors"],
                    timeouts=totals["timeouts"],
                    refused=totals["refused"],
                    tls_errors=totals["tls_errors"],
                    duration_ms=totals["duration"] / 1e6,
                    parents=totals["parents"],
                    served=totals["served"],
                    expected=totals["expected"] / WHOLE,
                    made=totals["made"],
                    broke=totals["broke"],
                    sketch=self.edges.sketch(row),
                    statements=self.edges.statements(row, self._config.statements_per_edge),
                    exemplars=self.edges.exemplars(row),
                )
            )
        return tuple(sorted(panes, key=lambda pane: (pane.caller, pane.callee, pane.start_ms)))

    def state(self) -> tuple[BookState, BookState, int]:
        """Freeze both books."""
        return self.services.state(), self.edges.state(), self.oldest_pane

    def restore(self, state: tuple[BookState, BookState, int]) -> None:
        """Take over a snapshot."""
        self.services.restore(state[0])
        self.edges.restore(state[1])
        self.oldest_pane = state[2]

    def _service_rows(self, component: Ids, end_ns: Ids) -> Ids:
        return self.services.rows(component, np.zeros_like(component), end_ns // self._pane_ns)

    def _edge_rows(self, caller: Ids, callee: Ids, end_ns: Ids) -> Ids:
        return self.edges.rows(caller, callee, end_ns // self._pane_ns)
