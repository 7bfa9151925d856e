"""The catalogue of root-cause patterns: reviewable YAML, one family a file, every field checked.

A pattern says what evidence (schemas/evidence.py) a component shows when it is the root cause of
that sort. models/pattern_match.py compares; this module only reads and checks.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from models.errors import ModelError
from models.pattern_fields import Fields
from schemas.change import ChangeKind
from schemas.codecs.yaml_text import parse_yaml
from schemas.component import ComponentKind
from schemas.errors import SchemaError
from schemas.evidence import EVIDENCE_KINDS

SAYS_LITTLE: Final = frozenset({"alert_symptom", "metric_other", "explained", "quiet"})
"""Evidence that says that something is wrong, but hardly what."""

LEAST_TELLING: Final = 0.2

PROVENANCES: Final = ("real", "injected", "simulated", "documented")

EDGES: Final = ("caller", "callee", "resident", "node", "holder")
"""Whom trouble spreads to: who calls it, whom it calls, what runs on it, what it runs on, and
who holds its connections."""

FILE_BYTES: Final = 4 * 1024 * 1024
"""Largest file that is read; those that ship have some ten kilobytes."""

RULE_NAME: Final = re.compile(r"[A-Za-z_][\w.:-]*", re.ASCII)
HEXADECIMAL: Final = re.compile(r"[0-9a-f]+", re.ASCII)
ID: Final = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z0-9_]+)+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The evidence at the component itself: `min_match` of `required` must show at all."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    min_match: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Propagation:
    """How it spreads along one sort of edge: the evidence that shows at the other end."""

    edge: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One sort of root cause. `title_with` holds titles that name a detail of the evidence.

    `corroborators` make it likelier from beside the signature: seen on other components, or here
    without being part of it. `contradictors` speak against it at the component itself.
    """

    id: str
    family: str
    title: str
    title_with: Mapping[str, str]
    kinds: tuple[ComponentKind, ...]
    markers: tuple[str, ...]
    description: str
    signature: Signature
    propagation: tuple[Propagation, ...]
    corroborators: tuple[str, ...]
    contradictors: tuple[str, ...]
    change_kinds: tuple[ChangeKind, ...]
    typical_alert_rules: tuple[str, ...]
    first_actions: tuple[str, ...]
    sources: tuple[str, ...]
    provenance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All patterns, by id, and how telling each kind of evidence is, by kind of component."""

    patterns: tuple[Pattern, ...]
    telling: Mapping[ComponentKind, Mapping[str, float]]

    @property
    def words(self) -> tuple[str, ...]:
        """List what the patterns look for in the texts of evidence, lower-case."""
        return tuple(
            sorted(
                {w.lower() for p in self.patterns for w in (*p.markers, *p.typical_alert_rules)}
            )
        )

    def of_kind(self, kind: ComponentKind) -> tuple[Pattern, ...]:
        """List the patterns that a component of this kind can have."""
        return tuple(pattern for pattern in self.patterns if kind in pattern.kinds)

    def find(self, pattern_id: str) -> Pattern | None:
        """Find a pattern by its id."""
        return next((p for p in self.patterns if p.id == pattern_id), None)


def telling(patterns: tuple[Pattern, ...]) -> dict[str, float]:
    """Weigh each evidence kind by how few of the patterns name it: 1 + log(N / (1 + n)).

    What says little anyway, and what no pattern here names, weighs 0.2, which is the least.
    """
    named = Counter(
        kind for p in patterns for kind in (*p.signature.required, *p.signature.optional)
    )
    return {
        kind: LEAST_TELLING
        if kind in SAYS_LITTLE or not named[kind]
        else max(1.0 + math.log(len(patterns) / (1 + named[kind])), LEAST_TELLING)
        for kind in EVIDENCE_KINDS
    }


def load_catalogue(files: Mapping[str, bytes]) -> Catalogue:
    """Read and check a catalogue from file name -> YAML.

    Raises:
        ModelError: A file is no YAML, or a field is missing, unknown or of the wrong shape.
    """
    patterns = [p for name in sorted(files) for p in _family(name, files[name])]
    _once("id", (pattern.id for pattern in patterns))
    _once("title", (f"{pattern.family}: {pattern.title}" for pattern in patterns))
    ordered = tuple(sorted(patterns, key=lambda pattern: pattern.id))
    weights = {
        kind: telling(tuple(p for p in ordered if kind in p.kinds)) for kind in ComponentKind
    }
    return Catalogue(patterns=ordered, telling=weights)


@cache
def default_catalogue() -> Catalogue:
    """Read the catalogue that ships with Rootline (models/patterns/*.yaml)."""
    folder = resources.files("models") / "patterns"
    return load_catalogue(
        {f.name: f.read_bytes() for f in folder.iterdir() if f.name.endswith(".yaml")}
    )


def _once(what: str, values: Iterable[str]) -> None:
    doubled = sorted(value for value, count in Counter(values).items() if count > 1)
    if doubled:
        msg = (
            f"patterns: the {what} {doubled[0]!r} is given twice; ids must be unique, "
            "titles unique in their family."
        )
        raise ModelError(msg)


def _family(name: str, data: bytes) -> list[Pattern]:
    if len(data) > FILE_BYTES:
        msg = f"patterns/{name}: {len(data)} bytes, at most {FILE_BYTES} are read; split the file."
        raise ModelError(msg)
    try:
        documents = parse_yaml(data)
    except SchemaError as error:
        msg = f"patterns/{name}: {error}"
        raise ModelError(msg) from error
    if len(documents) != 1:
        msg = f"patterns/{name}: expected one document, found {len(documents)}."
        raise ModelError(msg)
    (document,) = documents
    fields = Fields(f"patterns/{name}", document)
    family = fields.text("family")
    entries = fields.entries("patterns")
    fields.nothing_else()
    return [
        _pattern(family, Fields(f"patterns/{name}, pattern {i + 1}", entry))
        for i, entry in enumerate(entries)
    ]


def _pattern(family: str, fields: Fields) -> Pattern:
    pattern = Pattern(
        id=fields.text("id"),
        family=family,
        title=fields.text("title"),
        title_with=fields.texts_by_name("title_with"),
        kinds=tuple(
            ComponentKind(k) for k in fields.words("kinds", tuple(ComponentKind), least=1)
        ),
        markers=fields.words("markers"),
        description=fields.text("description"),
        signature=_signature(fields.part("entry_signature")),
        propagation=_propagations(fields),
        corroborators=fields.words("corroborators", EVIDENCE_KINDS),
        contradictors=fields.words("contradictors", EVIDENCE_KINDS),
        change_kinds=tuple(ChangeKind(k) for k in fields.words("change_kinds", tuple(ChangeKind))),
        typical_alert_rules=fields.words("typical_alert_rules"),
        first_actions=fields.words("first_actions", least=1),
        sources=fields.words("sources"),
        provenance=fields.word("provenance", PROVENANCES),
    )
    fields.nothing_else()
    for complaint in _complaints(pattern):
        msg = f"{fields.where}: {complaint}"
        raise ModelError(msg)
    return pattern


def _complaints(pattern: Pattern) -> Iterator[str]:
    """Say what single fields cannot: what is wrong with how they are written or go together."""
    if not pattern.id.startswith(f"{pattern.family}.") or not ID.fullmatch(pattern.id):
        yield (
            f"the id {pattern.id!r} must begin with its family, {pattern.family}., and go on with "
            "lower-case words joined by dots."
        )
    for detail, title in pattern.title_with.items():
        if f"{{{detail}}}" not in title:
            yield f"title_with.{detail} must contain {{{detail}}}; it is {title!r}."
    yield from _complaints_of_words(pattern)
    signature = {*pattern.signature.required, *pattern.signature.optional}
    for name, kinds in (("entry_signature", signature), ("corroborators", pattern.corroborators)):
        both = sorted(set(kinds) & set(pattern.contradictors))
        if both:
            yield f"{both[0]} is in {name} and in contradictors; it cannot speak for and against."


def _complaints_of_words(pattern: Pattern) -> Iterator[str]:
    for marker in pattern.markers:
        if marker != marker.lower():
            yield f"markers are looked for in lower-case text; write {marker.lower()!r}."
        if HEXADECIMAL.fullmatch(marker):
            yield f"the marker {marker!r} would be found in trace ids; make it a longer word."
    for rule in pattern.typical_alert_rules:
        if not RULE_NAME.fullmatch(rule):
            yield f"typical_alert_rules holds {rule!r}; the name of an alert rule has no blanks."


def _propagations(fields: Fields) -> tuple[Propagation, ...]:
    found = tuple(_propagation(part) for part in fields.parts("propagation"))
    edges = Counter(part.edge for part in found)
    doubled = sorted(edge for edge, count in edges.items() if count > 1)
    if doubled:
        msg = f"{fields.where}: propagation has two entries for {doubled[0]}; join them."
        raise ModelError(msg)
    return found


def _propagation(fields: Fields) -> Propagation:
    part = Propagation(
        edge=fields.word("edge", EDGES), evidence=fields.words("evidence", EVIDENCE_KINDS, least=1)
    )
    fields.nothing_else()
    return part


def _signature(fields: Fields) -> Signature:
    required = fields.words("required", EVIDENCE_KINDS, least=1)
    optional = fields.words("optional", EVIDENCE_KINDS)
    both = sorted(set(required) & set(optional))
    if both:
        msg = f"{fields.where}: {both[0]} is both required and optional; keep one."
        raise ModelError(msg)
    least = fields.count("min_match", default=len(required), most=len(required))
    fields.nothing_else()
    return Signature(required=required, optional=optional, min_match=least)
