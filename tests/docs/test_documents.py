"""What the documents name is there: files, headings, make targets, commands, settings, modules."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from agents.cli import SUBCOMMANDS
from agents.settings import section_keys

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")]
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`|^ {4}.*$", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def commands_in(path: Path) -> str:
    """Everything set as code, where commands are named."""
    return "\n".join(CODE.findall(text_of(path)))


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as they are made from their words."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(path)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_relative_links_lead_somewhere(page):
    for target in LINK.findall(FENCE.sub("", text_of(page))):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        place = (page.parent / file).resolve() if file else page
        assert place.exists(), f"{target} leads nowhere"
        assert place.is_relative_to(ROOT), f"{target} leads out of the project"
        if anchor:
            assert anchor in anchors(place), f"{target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_make_target_that_is_named_exists(page):
    makefile = text_of(ROOT / "Makefile")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for name in re.findall(r"(?:^|[`\s(])make ([a-z][a-z-]+)", commands_in(page)):
        assert name in targets, f"there is no target {name}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_command_that_is_named_exists(page):
    for names in re.findall(r"(?:^|[`\s(/])rootline ([a-z|]+)", commands_in(page), re.MULTILINE):
        for name in names.split("|"):
            assert name in SUBCOMMANDS, f"there is no command rootline {name}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_setting_that_is_named_exists(page):
    keys = section_keys()
    sections = "|".join(sorted(keys))
    for section, key in re.findall(rf"`(?:ROOTLINE_)?({sections})\.([a-z_]+)\b", text_of(page)):
        if key in {"json", "jsonl", "py"}:  # a file
            continue
        assert key in keys[section], f"there is no key {section}.{key}"
    for section, key in re.findall(r"\bROOTLINE_([A-Z]+)__([A-Z_]+?)(?:__|\b)", text_of(page)):
        assert key.lower() in keys[section.lower()], f"there is no key {section}.{key}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_file_of_ours_that_is_named_is_there(page):
    named = re.findall(
        r"`((?:agents|models|pipeline|schemas|tests|docs|examples|\.ci)/[\w./-]+)`", text_of(page)
    )
    for name in named:
        if "NNNN" in name:  # stands for a number
            continue
        assert (ROOT / name).exists(), f"{name} is not there"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_module_that_is_to_be_run_exists(page):
    for module in re.findall(r"python -m ((?:agents|models)[\w.]*)", text_of(page)):
        assert find_spec(module) is not None, f"there is no module {module}"


def test_every_decision_has_a_number_of_its_own_and_the_usual_parts():
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [path.name[:4] for path in records]
    assert len(set(numbers)) == len(numbers)
    for path in records:
        text = text_of(path)
        assert text.startswith(f"# {path.name[:4]}: ")
        for part in (
            "Status: ",
            "## Context",
            "## Decision",
            "## Alternatives",
            "## Consequences",
        ):
            assert part in text, f"{path.name} has no {part}"
