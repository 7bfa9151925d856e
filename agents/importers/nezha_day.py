"""One day of Nezha, put together from its files.

Invariant: everything is by the clock of the spans, UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from agents.importers.layout import folders_holding
from agents.importers.nezha_baseline import Interval, covered, fault_free
from agents.importers.nezha_files import FAULT_LIST, DaySpans, Injected, read_faults, read_spans
from agents.importers.nezha_metrics import PodTable, read_pods
from agents.importers.series import component_of

_TRAIN_TICKET = "ts-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of one system; `declared` are the minutes that the set itself calls normal."""

    name: str
    system: str
    faults: list[Injected]
    spans: DaySpans
    pods: list[PodTable]
    covered: list[Interval]
    free: list[Interval]
    declared: list[Interval]

    @property
    def services(self) -> tuple[str, ...]:
        """All that are ranked: whoever has metrics or spans."""
        names = {pod.service for pod in self.pods} | set(self.spans.table.services)
        return tuple(sorted(component_of(name).name for name in names))

    def quiet(self) -> Iterator[Interval]:
        """Yield the times with metrics between faults."""
        times = [pod.times_ms for pod in self.pods if len(pod.times_ms)]
        if times:
            first = min(int(each.min()) for each in times)
            last = max(int(each.max()) for each in times)
            yield from fault_free([(first, last)], [fault.at_ms for fault in self.faults])

    def case_name(self, fault: Injected) -> str:
        """Number the faults, with what they are, so that folders sort as they happened."""
        number = self.faults.index(fault) + 1
        return f"{number:02d}-{component_of(fault.service).name}-{fault.kind}"


def read_day(path: Path, src: Path) -> Day:
    """Read the day of a fault list; its normal minutes lie elsewhere below the source."""
    name = path.name.removesuffix(FAULT_LIST)
    normal = sorted(
        folder / "trace"
        for folder in folders_holding(src, "trace", of="nezha")
        if folder.name == name and folder != path.parent
    )
    spans = read_spans([path.parent / "trace", *normal])
    listed = read_faults(path)
    faults = [replace(fault, at_ms=fault.at_ms - spans.ahead_ms) for fault in listed]
    with_spans = covered(spans.starts_ms)
    train_ticket = any(fault.pod.startswith(_TRAIN_TICKET) for fault in faults)
    return Day(
        name=name,
        system="trainticket" if train_ticket else "onlineboutique",
        faults=faults,
        spans=spans,
        pods=read_pods(path.parent / "metric"),
        covered=with_spans,
        free=fault_free(with_spans, [fault.at_ms for fault in faults]),
        declared=covered(read_spans(normal).starts_ms),
    )
