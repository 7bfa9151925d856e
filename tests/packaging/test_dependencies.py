"""What is imported is declared, what is declared is imported, and both are explained."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("schemas", "pipeline", "models", "agents")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "DEPENDENCIES.md").read_text(encoding="utf-8")
# Part of what another distribution offers, and named beside it on the page.
COMES_WITH = {
    "google": "opentelemetry-proto",
    "mode": "faust-streaming",
    "multidict": "aiohttp",
    "yarl": "aiohttp",
}


def names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\[<>=!~ ]", each)[0]) for each in requirements}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


RUNTIME = names(PROJECT["project"]["dependencies"])
DEVELOPMENT = {name for group in PROJECT["dependency-groups"].values() for name in names(group)}


def imported() -> set[str]:
    """Top-level names that our packages import from elsewhere."""
    found: set[str] = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - set(FOLDERS)


def distributions(name: str) -> set[str]:
    if name in COMES_WITH:
        return {COMES_WITH[name]}
    return {normal(each) for each in packages_distributions().get(name, [])}


@pytest.mark.parametrize("name", sorted(imported()))
def test_what_is_imported_is_declared(name):
    assert distributions(name) & RUNTIME, f"{name} is imported and not declared in pyproject.toml"


def test_what_is_declared_is_imported():
    used = {owner for name in imported() for owner in distributions(name)}
    assert used >= RUNTIME, f"declared, and imported nowhere: {sorted(RUNTIME - used)}"


@pytest.mark.parametrize("name", sorted(RUNTIME | DEVELOPMENT))
def test_every_dependency_is_explained(name):
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("|")]
    assert name in {normal(each.strip()) for row in rows for each in row.split(",")}


def test_nothing_is_explained_that_is_not_there():
    table = PAGE.split("## Beside Python")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    told = {normal(each.strip()) for row in rows for each in row.split(",")}
    assert told - RUNTIME - DEVELOPMENT <= {"distribution", "-"}
