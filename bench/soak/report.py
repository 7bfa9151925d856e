"""The result of a soak: judged, as a table, as JSON and as a picture."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.soak.ledger import Account
from bench.soak.sampling import Sample

MEMORY_SHARE, MEMORY_SLACK = 1.15, 64 * 2**20
"""No process may need more in any cycle than this share of its peak in cycle 2, and this more."""
_MB = 2**20


@dataclass(slots=True, kw_only=True)
class Cycle:
    """One storm: when, seconds since the start; what it cost; what became of it."""

    number: int
    began: float
    storm_ended: float
    drained: float | None
    sent: int
    late_ms: int
    peak_lag: float = 0.0
    peak_memory: dict[str, int] | None = None
    account: Account | None = None

    @property
    def rate(self) -> float | None:
        """Alerts a second, from the storm's first to when nothing waited any more."""
        return self.sent / (self.drained - self.began) if self.drained is not None else None


@dataclass(slots=True, kw_only=True)
class Result:
    """Everything that a soak found."""

    settings: dict[str, Any]
    cycles: list[Cycle]
    samples: list[Sample]
    revisions: int
    contradictions: int
    unlive_samples: int
    left: float = 0.0

    def faults(self) -> list[str]:
        """Say what is not as it should be; empty where all is well."""
        found = []
        for cycle in self.cycles:
            account = cycle.account
            if account is None or not account.balanced:
                lost = len(account.lost) if account else cycle.sent
                doubled = len(account.doubled) if account else 0
                found.append(f"cycle {cycle.number}: {lost} alerts lost, {doubled} in two places")
            if cycle.drained is None:
                found.append(f"cycle {cycle.number}: the lag had not drained when it ended")
        if self.left:
            found.append(
                f"{self.left:.0f} records still waited when the soak ended: it did not have the "
                "processor time, and alerts that count as lost may only not have been handled yet"
            )
        if self.contradictions:
            found.append(f"{self.contradictions} revisions were published with two contents")
        if self.unlive_samples:
            found.append(f"a worker was not alive in {self.unlive_samples} samples")
        return found + list(self._memory())

    def _memory(self) -> Iterable[str]:
        if len(self.cycles) < 3:
            return
        reference = self.cycles[1].peak_memory or {}
        for cycle in self.cycles[2:]:
            for name, used in (cycle.peak_memory or {}).items():
                limit = reference[name] * MEMORY_SHARE + MEMORY_SLACK
                if used > limit:
                    yield (
                        f"cycle {cycle.number}: {name} used {used / _MB:.0f} MB, more than "
                        f"{limit / _MB:.0f} MB (its peak of cycle 2 and the stated slack)"
                    )

    def as_json(self) -> dict[str, Any]:
        faults = self.faults()
        return {
            "ok": not faults,
            "faults": faults,
            "settings": self.settings,
            "revisions": self.revisions,
            "contradictions": self.contradictions,
            "cycles": [_row(cycle) for cycle in self.cycles],
            "samples": [asdict(sample) for sample in self.samples],
        }

    def show(self) -> None:
        """Print the table and what is wrong."""
        table = Table(title="soak")
        for heading in (
            "cycle",
            "alerts",
            "storm s",
            "drained s",
            "alerts/s",
            "peak lag",
            "peak RSS MB",
            "incidents",
            "in incidents",
            "set aside",
            "lost",
            "doubled",
        ):
            table.add_column(heading, justify="right")
        for cycle in self.cycles:
            table.add_row(*_shown(cycle))
        console = Console()
        console.print(table)
        for fault in self.faults():
            console.print(f"NOT AS IT SHOULD BE: {fault}")


def _row(cycle: Cycle) -> dict[str, Any]:
    row = asdict(cycle)
    row["rate"] = cycle.rate
    if row["account"] is not None:
        row["account"]["lost"] = list(row["account"]["lost"])[:20]
        row["account"]["doubled"] = list(row["account"]["doubled"])[:20]
    return row


def _shown(cycle: Cycle) -> Sequence[str]:
    account, memory = cycle.account, cycle.peak_memory or {}
    drained = "-" if cycle.drained is None else f"{cycle.drained - cycle.began:.0f}"
    return (
        str(cycle.number),
        f"{cycle.sent:,}",
        f"{cycle.storm_ended - cycle.began:.0f}",
        drained,
        f"{cycle.rate:,.0f}" if cycle.rate else "-",
        f"{cycle.peak_lag:,.0f}",
        " ".join(f"{used / _MB:.0f}" for _, used in sorted(memory.items())),
        f"{account.incidents:,}" if account else "-",
        f"{account.in_incidents:,}" if account else "-",
        f"{sum(account.set_aside.values()):,}" if account else "-",
        f"{len(account.lost):,}" if account else "-",
        f"{len(account.doubled):,}" if account else "-",
    )
