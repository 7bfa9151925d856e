"""The case library as a whole: the rows of all its files, as cases, each with its last verdict.

Sits on models/case_rows.py. Invariant: a case is there once. Of an operator's verdicts on one
incident the one with the highest revision (`CaseRow.seed`) stands; a repeated row is dropped.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

from models.case_rows import decode_rows
from models.cases import CaseRow
from models.errors import ModelError

FAMILY_UNKNOWN: Final = "-"
"""Shown as the family of cases whose pattern is not known, or of which nothing was wrong."""

FileBytes = tuple[str, bytes]
"""A file's name, for sentences, and what it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case: the questions that were kept of it, in order of time; the last one counts."""

    rows: tuple[CaseRow, ...]
    file: str

    @property
    def last(self) -> CaseRow:
        """Give the question that had the most evidence."""
        return self.rows[-1]

    @property
    def name(self) -> str:
        """Name the case; two systems may have cases of one name."""
        return self.last.case

    @property
    def family(self) -> str:
        """Give the family of its pattern."""
        return self.last.pattern.partition(".")[0] or FAMILY_UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Which cases are wanted; an empty field wants all. A pattern may be given by its start."""

    source: str = ""
    pattern: str = ""
    family: str = ""
    system: str = ""

    def takes(self, case: Case) -> bool:
        """Tell whether a case is wanted."""
        last = case.last
        return (
            self.source in ("", last.source)
            and (not self.pattern or _begins(last.pattern, self.pattern))
            and self.family in ("", case.family)
            and (not self.system or last.topology.split("/")[0] == self.system.split("/")[0])
            and (not self.system or "/" not in self.system or last.topology == self.system)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLibrary:
    """All cases, by source, system and name; `dropped` rows were repeated or overruled."""

    cases: tuple[Case, ...]
    dropped: int = 0

    def rows(self) -> Iterator[CaseRow]:
        """Give the rows that stand: what training should learn from."""
        for case in self.cases:
            yield from case.rows

    def simulated_rows(self) -> Iterator[CaseRow]:
        """Give the rows of simulated cases, which the shipped ranker learns from.

        Those of public sets make it no better on other systems (docs/EVALUATION.md), and a
        ranker that has seen a set cannot be judged on it.
        """
        return (row for row in self.rows() if row.source == "simulated")

    def matching(self, wanted: CaseFilter) -> tuple[Case, ...]:
        """Choose cases."""
        return tuple(case for case in self.cases if wanted.takes(case))

    def named(self, name: str) -> tuple[Case, ...]:
        """Find cases by name, or by `system:name` where two systems have one of that name."""
        return tuple(c for c in self.cases if name in (c.name, f"{c.last.topology}:{c.name}"))


def read_library(files: Iterable[FileBytes]) -> CaseLibrary:
    """Read the files of a library, in the order given.

    Raises:
        ModelError: a file cannot be read; names it and the line.
    """
    found: list[tuple[str, CaseRow]] = []
    for name, data in files:
        try:
            found += ((name, row) for row in decode_rows(data))
        except ModelError as error:
            msg = f"{name}: {error}"
            raise ModelError(msg) from error
    return library_of(found)


def library_of(rows: Iterable[tuple[str, CaseRow]]) -> CaseLibrary:
    """Make cases of rows, each given with the name of its file."""
    by_case: dict[tuple[str, str, str], dict[tuple[int, float], tuple[str, CaseRow]]]
    by_case = defaultdict(dict)
    total = 0
    for file, row in rows:
        total += 1
        key = (row.source, row.topology, row.case)
        by_case[key].setdefault((row.seed, row.elapsed_s), (file, row))
    cases = [_case(found) for _, found in sorted(by_case.items())]
    return CaseLibrary(cases=tuple(cases), dropped=total - sum(len(c.rows) for c in cases))


def shipped_files() -> list[FileBytes]:
    """Read the files that ship, by name."""
    folder = resources.files("models").joinpath("library")
    found = [file for file in folder.iterdir() if file.name.endswith(".jsonl")]
    return [(file.name, file.read_bytes()) for file in sorted(found, key=lambda f: f.name)]


def counts(cases: Iterable[Case]) -> dict[str, Mapping[str, int]]:
    """Count cases by source, family, pattern and system."""
    told = [
        (case.last.source, case.family, case.last.pattern or FAMILY_UNKNOWN, case.last.topology)
        for case in cases
    ]
    names = ("source", "family", "pattern", "system")
    return {
        name: dict(sorted(Counter(each[place] for each in told).items()))
        for place, name in enumerate(names)
    }


def _case(found: Mapping[tuple[int, float], tuple[str, CaseRow]]) -> Case:
    newest = max(seed for seed, _ in found)
    stands = [found[key] for key in sorted(found) if key[0] == newest]
    return Case(rows=tuple(row for _, row in stands), file=stands[-1][0])


def _begins(pattern: str, start: str) -> bool:
    """Tell whether a pattern is the one named, or below it.

    >>> _begins("db_sql.mysql.lock_wait", "db_sql.mysql"), _begins("db_sql.mysql2.x", "db_sql.my")
    (True, False)
    """
    return pattern == start or pattern.startswith(f"{start}.")
