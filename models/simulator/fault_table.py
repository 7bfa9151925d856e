"""The faults as rows of the table in docs/FAULTS.md, which a test compares."""

from collections.abc import Iterable

from models.simulator.fault_spec import FaultSpec


def fault_rows(faults: Iterable[FaultSpec]) -> list[str]:
    """Return one row a fault: its name, whom it hits, what happens, its patterns."""
    return [_row(fault) for fault in faults]


def _row(fault: FaultSpec) -> str:
    patterns = dict.fromkeys((fault.pattern, *fault.patterns.values()))
    named = ", ".join(f"`{pattern}`" for pattern in patterns)
    return f"| `{fault.name}` | {', '.join(fault.kinds)} | {fault.description} | {named} |"
