from pathlib import Path

from agents.telemetry import Telemetry
from agents.watchdog import MEMORY, STUCK
from bench.soak.report import MEMORY_SHARE, MEMORY_SLACK

PAGE = (Path(__file__).parents[2] / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")


def test_every_own_metric_is_on_the_page_as_it_describes_itself():
    for family in Telemetry().registry.collect():
        if family.name.startswith("rootline_"):
            name = family.name + ("_total" if family.type == "counter" else "")
            row = f"| `{name}` | {family.type} | {family.documentation.rstrip('.')} |"
            assert row in PAGE, f"docs/OPERATIONS.md lacks the row: {row}"


def test_statuses_and_the_soaks_bound_are_those_of_the_code():
    assert f"| {STUCK} |" in PAGE
    assert f"| {MEMORY} |" in PAGE
    assert f"{MEMORY_SHARE} times its peak in the second and\n{MEMORY_SLACK // 2**20} MB" in PAGE
