"""Checks of library files, line by line: what is wrong with them, and what one should know.

A problem means that a row must not be learnt from as it is; a remark does not. Words and names are
checked because the library may be handed on: it must not tell whose system a case is of.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson

from models.case_library import FileBytes
from models.case_rows import decode_rows
from models.cases import CaseRow
from models.errors import ModelError
from models.pattern_catalogue import Catalogue
from schemas.change import ChangeKind
from schemas.measures import MEASURES

OPERATORS_FILE: Final = re.compile(r"verdicts-\d+\.jsonl")
"""Files that the worker writes: their cases may be named by an incident's id alone."""
ENVIRONMENT: Final = re.compile(r"env-[0-9a-f]{12}")
"""How an operator's case names its environment: by a digest."""

_ADDRESS = re.compile(r"@|://|\b\d{1,3}(?:\.\d{1,3}){3}\b")
_NO_FAULT = "none"
_KINDS = frozenset(kind.value for kind in ChangeKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence about a line of a file; line 0 is the file as a whole."""

    file: str
    line: int
    sentence: str
    is_problem: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What came of checking a library."""

    files: int
    rows: int
    cases: int
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What must be mended."""
        return tuple(finding for finding in self.findings if finding.is_problem)


def check_library(files: Iterable[FileBytes], catalogue: Catalogue) -> Checked:
    """Check files of case rows together: a row may be repeated in another file."""
    checker = _Checker(catalogue)
    findings: list[Finding] = []
    count = 0
    for name, data in files:
        count += 1
        findings += checker.file(name, data)
    return Checked(
        files=count,
        rows=checker.rows,
        cases=len({key[:3] for key in checker.seen}),
        findings=tuple(findings),
    )


class _Checker:
    """Goes through lines and remembers which rows it has seen, and where."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.rows = 0
        self.seen: dict[tuple[str, str, str, int, float], str] = {}
        self._catalogue = catalogue
        self._words = frozenset(catalogue.words)
        self._strange: set[str] = set()

    def file(self, name: str, data: bytes) -> Iterator[Finding]:
        """Check one file; without a readable header its rows mean nothing."""
        header, *lines = data.splitlines() or [b""]
        try:
            list(decode_rows(header))
        except ModelError as error:
            yield Finding(file=name, line=1, sentence=_without_place(error))
            return
        yield from _older(name, header)
        self._strange.clear()
        numbered = [(number, line) for number, line in enumerate(lines, start=2) if line.strip()]
        self.rows += len(numbered)
        for (number, _), row in zip(numbered, _rows(data, header, numbered), strict=True):
            sentences = self._row(name, number, row) if isinstance(row, CaseRow) else [row]
            for sentence in sentences:
                yield Finding(file=name, line=number, sentence=sentence)
        if self._strange:
            yield Finding(
                file=name,
                line=0,
                sentence=f"holds {len(self._strange)} words that are in no pattern, such as "
                f"{min(self._strange)!r}: markers of another catalogue, or names.",
                # What operators' verdicts became may hold anybody's names; the rest is published.
                is_problem=OPERATORS_FILE.fullmatch(name) is not None,
            )

    def _row(self, name: str, number: int, row: CaseRow) -> Iterator[str]:
        key = (row.source, row.topology, row.case, row.seed, row.elapsed_s)
        place = self.seen.setdefault(key, f"{name}, line {number}")
        if place != f"{name}, line {number}":
            yield f"case {row.case} has the same moment at {place}; delete one of the two."
        yield from self._pattern(row)
        self._strange |= {word for c in row.candidates for word in c.words} - self._words
        yield from _kinds(row)
        yield from _names(row, operators=OPERATORS_FILE.fullmatch(name) is not None)

    def _pattern(self, row: CaseRow) -> Iterator[str]:
        if row.pattern and self._catalogue.find(row.pattern) is None:
            known = [pattern.id for pattern in self._catalogue.patterns]
            near = difflib.get_close_matches(row.pattern, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "docs/PATTERNS.md says how to add one."
            yield f"case {row.case} has the pattern {row.pattern!r}, which is not known; {hint}"
        if row.fault == _NO_FAULT and (row.root is not None or row.pattern):
            yield (
                f"case {row.case} has the fault 'none' and yet a root or a pattern; "
                "expected neither where nothing was wrong."
            )


def _rows(
    data: bytes, header: bytes, numbered: Sequence[tuple[int, bytes]]
) -> list[CaseRow | str]:
    """Read every row; a sentence stands for one that cannot be read."""
    try:
        return list(decode_rows(data))
    except ModelError:
        return [_row_or_sentence(header + b"\n" + line) for _, line in numbered]


def _row_or_sentence(data: bytes) -> CaseRow | str:
    try:
        return next(decode_rows(data))
    except ModelError as error:
        return _without_place(error)


def _without_place(error: ModelError) -> str:
    """Take "case rows, line 2: " off: the finding says better where it is."""
    return str(error).split(": ", 1)[-1]


def _older(name: str, header: bytes) -> Iterator[Finding]:
    # decode_rows has checked what the header holds.
    missing = [m for m in MEASURES if m not in orjson.loads(header)["measures"]]
    if missing:
        sentence = (
            f"was written before {len(missing)} of {len(MEASURES)} measures were there "
            f"({', '.join(missing[:3])}{', ...' if missing[3:] else ''}); its rows show none of "
            "them."
        )
        yield Finding(file=name, line=1, sentence=sentence, is_problem=False)


def _names(row: CaseRow, *, operators: bool) -> Iterator[str]:
    """Complain of what would tell whose system a case is of."""
    for field in ("case", "topology", "fault"):
        found = str(getattr(row, field))
        if _ADDRESS.search(found):
            yield f"{field} is {found!r}, which looks like an address; name it otherwise."
    if operators and not (_is_uuid(row.case) and ENVIRONMENT.fullmatch(row.topology)):
        yield (
            f"case {row.case!r} of {row.topology!r} is in an operators' file, where an incident's "
            "id and env- with a digest are expected: names must not be in it."
        )


def _kinds(row: CaseRow) -> Iterator[str]:
    strange = {kind for c in row.candidates for kind in c.change_kinds} - _KINDS
    if strange:
        yield f"case {row.case} has the kind of change {min(strange)!r}, which is not known."


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
