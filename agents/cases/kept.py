"""An incident's last question as it is kept for a verdict: a case row that names nobody.

A record is JSON lines: who the candidates are, as digests keyed with the incident's id, then the
row as models/case_rows.py writes it. With the name of a verdict one can tell which candidate is
meant; from the record alone one cannot tell what any component is called.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import orjson

from models.case_rows import decode_rows, encode_rows
from models.cases import CaseLabel, CaseRow, row_of
from models.errors import ModelError
from models.pattern_catalogue import Catalogue
from schemas.candidate import Question
from schemas.errors import SchemaError

FORMAT: Final = "rootline.case-row"
VERSION: Final = 1
NOT_KNOWN: Final = "unknown"
"""The fault of a row on which there is no verdict, or one without a pattern."""

_DIGEST_BYTES = 8
_ENVIRONMENT_BYTES = 6
_KEY_BYTES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptQuestion:
    """A row without a verdict, and for each of its candidates the digest of the name."""

    row: CaseRow
    digests: tuple[str, ...]

    def place_of(self, component: str) -> int | None:
        """Find the candidate of that name; None where it was not among them."""
        digest = digest_of(component, self.row.case)
        return self.digests.index(digest) if digest in self.digests else None


def keep(question: Question, environment: str, catalogue: Catalogue) -> KeptQuestion:
    """Take the names out of a question."""
    label = CaseLabel(
        case=question.incident_id,
        topology=environment_label(environment),
        fault=NOT_KNOWN,
        seed=0,
        source="real",
    )
    # In the order in which row_of lays candidates out.
    ordered = sorted(c.component for c in question.candidates)
    return KeptQuestion(
        row=row_of(question, label, catalogue),
        digests=tuple(digest_of(c.name, question.incident_id) for c in ordered),
    )


def encode_kept(kept: KeptQuestion) -> bytes:
    """Write a kept question as a record's value."""
    head = {"format": FORMAT, "version": VERSION, "candidates": kept.digests}
    return b"".join([orjson.dumps(head), b"\n", *encode_rows([kept.row])])


def decode_kept(value: bytes) -> KeptQuestion:
    """Read a record's value.

    Raises:
        SchemaError: it is not as `encode_kept` writes it.
    """
    head, _, rest = value.partition(b"\n")
    try:
        document = orjson.loads(head)
        (row,) = decode_rows(rest)
    except (ValueError, ModelError) as error:
        msg = (
            f"the incident's last question cannot be read ({str(error)[:200]});"
            " was it another version's?"
        )
        raise SchemaError(msg) from error
    digests = document.get("candidates") if isinstance(document, dict) else None
    if not isinstance(digests, list) or len(digests) != len(row.candidates):
        msg = (
            f"the incident's last question has no digests of its {len(row.candidates)} candidates"
        )
        raise SchemaError(msg)
    return KeptQuestion(row=row, digests=tuple(str(digest) for digest in digests))


def digest_of(component: str, incident_id: str) -> str:
    """Give a component's digest within one incident: another incident has another.

    >>> digest_of("cart", "i-1") == digest_of("cart", "i-2")
    False
    """
    key = incident_id.encode()[:_KEY_BYTES]
    return blake2b(component.encode(), digest_size=_DIGEST_BYTES, key=key).hexdigest()


def environment_label(environment: str) -> str:
    """Name an environment by a digest, which is the same in all of its cases.

    >>> environment_label("default")
    'env-b16e758ca8f3'
    """
    return f"env-{blake2b(environment.encode(), digest_size=_ENVIRONMENT_BYTES).hexdigest()}"
