"""The artefact: what comes back, and what is refused with which sentence."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from models import artefact
from models.artefact import default_artefact, read_artefact, write_artefact
from models.errors import ModelError
from models.features import FEATURES
from models.rules import rule_parameters


def bytes_of() -> bytes:
    return write_artefact(rule_parameters(), {"note": "hand-set"})


def resealed(change: Callable[[dict[str, Any]], None]) -> bytes:
    """Change the content and give it a fitting checksum again, as an attacker would."""
    body = orjson.loads(bytes_of())
    body.pop("sha256")
    change(body)
    return orjson.dumps({**body, "sha256": artefact._digest(body)})


def test_numbers_come_back_bit_for_bit() -> None:
    odd = replace(
        rule_parameters(), weights=tuple(0.1 * i / 3 for i in range(len(FEATURES.names)))
    )
    assert read_artefact(write_artefact(odd, {})).parameters == odd


def test_the_same_content_gives_the_same_bytes() -> None:
    one = write_artefact(rule_parameters(), {"a": 1, "b": 2})
    assert one == write_artefact(rule_parameters(), {"b": 2, "a": 1})


def test_the_version_changes_with_the_content() -> None:
    other = write_artefact(rule_parameters(), {"note": "other"})
    assert read_artefact(bytes_of()).version != read_artefact(other).version


def test_a_damaged_file_is_refused() -> None:
    with pytest.raises(ModelError, match="checksum"):
        read_artefact(bytes_of().replace(b"hand-set", b"hand-sat"))


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "other features": (lambda b: b.update(features_version="0"), "features_version is '0'"),
    "other format version": (lambda b: b.update(format_version=9), "format_version is 9"),
    "other format": (lambda b: b.update(format="pickle"), "some other file"),
    "a weight missing": (lambda b: b["weights"].pop("first:prism"), "exactly this version's"),
    "a weight too many": (lambda b: b["weights"].update(z_moon=1.0), "exactly this version's"),
    "a weight of text": (lambda b: b["weights"].update({"first:prism": "1"}), "must be a number"),
    "a weight that is null": (lambda b: b["weights"].update({"first:prism": None}), "a number"),
    "a weight of true": (lambda b: b["weights"].update({"first:prism": True}), "a number"),
    "a weight too large": (lambda b: b["weights"].update({"first:prism": 1e9}), "at most"),
    "no weights": (lambda b: b.pop("weights"), "exactly this version's"),
    "no calibration": (lambda b: b.pop("calibration"), "calibration must name exactly"),
    "no provenance": (lambda b: b.pop("provenance"), "provenance must be"),
    "a temperature of 0": (lambda b: b["patterns"].update(temperature=0.0), "at least 0.01"),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_field_is_refused_in_words(
    change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    with pytest.raises(ModelError, match=sentence):
        read_artefact(resealed(change))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not JSON"),
        (b"\x80\x04\x95", "not JSON"),
        (b"[]", "some other file"),
        (b" " * (artefact.SIZE_LIMIT_BYTES + 1), "at most"),
    ],
    ids=["empty", "a pickle", "a list", "too large"],
)
def test_what_is_no_artefact_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        read_artefact(data)


def test_every_prefix_of_an_artefact_is_refused() -> None:
    data = bytes_of()
    for end in range(0, len(data) - 2, 97):
        with pytest.raises(ModelError):
            read_artefact(data[:end])


def test_the_shipped_artefact_is_for_these_features_and_says_where_it_is_from() -> None:
    shipped = read_artefact(default_artefact())
    assert shipped.provenance["figures"]["cases"] > 0
    assert len(shipped.provenance["rows_sha256"]) == 64
