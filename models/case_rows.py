"""Case rows as versioned text: a header line with the names, then one JSON line a row.

Numbers are kept to four significant digits, measures as pairs (place of the name, value), so that
a thousand rows stay a few megabytes and a changed row is a changed line.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, Final

import orjson

from models.cases import SOURCES, CaseCandidate, CaseRow
from models.errors import ModelError
from schemas.component import ComponentKind
from schemas.evidence import EVIDENCE_KINDS
from schemas.measures import CONTEXT, MEASURES

FORMAT: Final = "rootline.cases"
VERSION: Final = 1
CANDIDATES_LIMIT: Final = 10_000

_KEYS = {
    "case": str,
    "topology": str,
    "fault": str,
    "seed": int,
    "source": str,
    "elapsed_s": float,
    "pattern": str,
}


def encode_rows(rows: Iterable[CaseRow]) -> Iterator[bytes]:
    """Write rows as lines, the header first."""
    header = {
        "format": FORMAT,
        "version": VERSION,
        "measures": list(MEASURES),
        "context": list(CONTEXT),
        "evidence": list(EVIDENCE_KINDS),
    }
    yield orjson.dumps(header) + b"\n"
    measures, context, evidence = (_places(names) for names in (MEASURES, CONTEXT, EVIDENCE_KINDS))
    for row in rows:
        document: dict[str, Any] = {key: getattr(row, key) for key in _KEYS}
        document["elapsed_s"] = rounded(row.elapsed_s)
        document["root"] = row.root
        document["context"] = _pairs(row.context, context)
        document["candidates"] = [
            [
                candidate.kind.value,
                _pairs(candidate.measures, measures),
                _pairs(candidate.evidence, evidence),
                list(candidate.words),
                list(candidate.change_kinds),
            ]
            for candidate in row.candidates
        ]
        yield orjson.dumps(document) + b"\n"


def decode_rows(data: bytes) -> Iterator[CaseRow]:
    """Read rows back.

    Raises:
        ModelError: The header or a row is not as `encode_rows` writes it; names the line.
    """
    lines = data.splitlines()
    names = _header(lines[0] if lines else b"")
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            yield _row(f"case rows, line {number}", line, names)


def rounded(value: float) -> float:
    """Keep four significant digits.

    >>> rounded(1234.567)
    1235.0
    """
    return float(f"{value:.4g}")


def shown(value: object) -> str:
    """Write a value for a sentence, cut to what one wants to read.

    >>> shown("a" * 200)[-5:]
    'aa...'
    """
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _places(names: Iterable[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _pairs(values: Mapping[str, float], places: Mapping[str, int]) -> list[float]:
    known = sorted(
        (places[name], rounded(value)) for name, value in values.items() if name in places
    )
    return [part for pair in known for part in pair]


def _header(line: bytes) -> tuple[list[str], list[str], list[str]]:
    header = _json("case rows, line 1", line)
    if header.get("format") != FORMAT or header.get("version") != VERSION:
        msg = (
            f"case rows, line 1: expected a header with format {FORMAT!r} and version {VERSION}, "
            f"found {line[:80]!r}; write the rows again with this version."
        )
        raise ModelError(msg)
    tables = (MEASURES, CONTEXT, EVIDENCE_KINDS)
    found = [header.get(part) for part in ("measures", "context", "evidence")]
    for names, table in zip(found, tables, strict=True):
        listed = names if isinstance(names, list) else ["no list"]
        unknown = [n for n in listed if not isinstance(n, str) or n not in table]
        if unknown:
            msg = (
                f"case rows, line 1: {shown(unknown[0])} is not known to this version; "
                "write the rows again with it."
            )
            raise ModelError(msg)
    measures, context, evidence = found
    assert measures is not None
    assert context is not None
    assert evidence is not None
    return measures, context, evidence


def _row(where: str, line: bytes, names: tuple[list[str], list[str], list[str]]) -> CaseRow:
    document = _json(where, line)
    for key, kind in _KEYS.items():
        value = document.get(key)
        if isinstance(value, bool) or not isinstance(
            value, (int, float) if kind is float else kind
        ):
            msg = f"{where}: {key} must be of type {kind.__name__}, found {shown(value)}."
            raise ModelError(msg)
    if document["source"] not in SOURCES:
        found = shown(document["source"])
        msg = f"{where}: source must be one of {', '.join(SOURCES)}, found {found}."
        raise ModelError(msg)
    listed = document.get("candidates")
    if not isinstance(listed, list) or len(listed) > CANDIDATES_LIMIT:
        msg = f"{where}: candidates must be a list of at most {CANDIDATES_LIMIT}."
        raise ModelError(msg)
    measures, context, evidence = names
    return CaseRow(
        **{key: document[key] for key in _KEYS if key != "elapsed_s"},
        elapsed_s=float(document["elapsed_s"]),
        context=_named(where, document.get("context"), context),
        candidates=tuple(_candidate(where, c, measures, evidence) for c in listed),
        root=_root(where, document.get("root"), len(listed)),
    )


def _root(where: str, root: Any, count: int) -> int | None:
    if root is not None and (type(root) is not int or not 0 <= root < count):
        msg = f"{where}: root must be null or the place of a candidate, found {shown(root)}."
        raise ModelError(msg)
    return root


def _candidate(
    where: str, listed: Any, measures: Sequence[str], evidence: Sequence[str]
) -> CaseCandidate:
    if not isinstance(listed, list) or len(listed) != 5 or listed[0] not in tuple(ComponentKind):
        msg = (
            f"{where}: a candidate must be [kind, measures, evidence, words, change kinds], "
            f"found {shown(listed)}."
        )
        raise ModelError(msg)
    return CaseCandidate(
        kind=ComponentKind(listed[0]),
        measures=_named(where, listed[1], measures),
        evidence=_named(where, listed[2], evidence),
        words=_words(where, listed[3]),
        change_kinds=_words(where, listed[4]),
    )


def _named(where: str, pairs: Any, names: Sequence[str]) -> dict[str, float]:
    if not isinstance(pairs, list) or len(pairs) % 2:
        msg = f"{where}: numbers must be a flat list of place and value, found {shown(pairs)}."
        raise ModelError(msg)
    values: dict[str, float] = {}
    for place, value in zip(pairs[::2], pairs[1::2], strict=True):
        if type(place) is not int or not 0 <= place < len(names):
            msg = f"{where}: {shown(place)} is not the place of a name in the header."
            raise ModelError(msg)
        if type(value) not in (int, float) or not isfinite(value):
            msg = f"{where}: {names[place]} must be a number, found {shown(value)}."
            raise ModelError(msg)
        values[names[place]] = float(value)
    return values


def _words(where: str, listed: Any) -> tuple[str, ...]:
    if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
        msg = f"{where}: words must be a list of texts, found {shown(listed)}."
        raise ModelError(msg)
    return tuple(listed)


def _json(where: str, line: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        msg = f"{where}: not JSON ({error})."
        raise ModelError(msg) from error
    if not isinstance(document, dict):
        msg = f"{where}: expected an object, found {type(document).__name__}."
        raise ModelError(msg)
    return document
