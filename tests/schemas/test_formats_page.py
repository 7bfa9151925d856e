"""docs/FORMATS.md says what the code does."""

import re
from dataclasses import fields
from pathlib import Path

from schemas.codecs.limits import CodecLimits
from schemas.codecs.otlp_attributes import DROPPED_RESOURCE_ATTRIBUTES, KEPT_ATTRIBUTES
from schemas.resolve_routes import ROUTES

PAGE = (Path(__file__).parents[2] / "docs" / "FORMATS.md").read_text(encoding="utf-8")


def test_the_order_of_service_labels_is_the_codes() -> None:
    paragraph = PAGE.split("Order of the service labels", 1)[1].split("\n\n")[1]
    assert re.findall(r"`([^`]+)`", paragraph) == [name for name, _ in ROUTES]


def test_every_limit_is_listed_with_its_default() -> None:
    for each in fields(CodecLimits):
        assert f"| `{each.name}` | {each.default:,} | {each.metadata['doc']} |" in PAGE


def test_every_kept_attribute_is_listed() -> None:
    for wire, kept in KEPT_ATTRIBUTES:
        line = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kept}` |"))
        assert f"`{wire}`" in line
    for prefix in DROPPED_RESOURCE_ATTRIBUTES:
        assert f"`{prefix}*`" in PAGE
