"""HTML and SVG as nested calls: whatever is not `Html` already is text, and is escaped.

The report is put together from these alone, so no name in a recording can become markup.
"""

from collections.abc import Iterable, Sequence
from html import escape

from agents.unsafe_text import shown


class Html(str):
    """Markup that is safe to put into a page as it is."""

    __slots__ = ()


Attribute = str | float | None


def element(name: str, *content: str, **attributes: Attribute) -> Html:
    """Write an element with its content; attributes that are None are left out.

    A trailing underscore of an attribute's name goes, one within it becomes a hyphen.

    >>> element("p", "a < b ", element("b", "c"), class_="x")
    '<p class="x">a &lt; b <b>c</b></p>'
    """
    return Html(f"<{name}{_attributes(attributes)}>{joined(content)}</{name}>")


def joined(parts: Iterable[str]) -> Html:
    """Put parts one after the other; text among them is escaped."""
    return Html("".join(p if isinstance(p, Html) else _text(p) for p in parts))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> Html:
    """Lay out a table that scrolls by itself where it is wider than the page.

    Args:
        headings: One a column.
        rows: Cells, as many as there are headings.
        words: How many columns from the left hold words; the others are set as numbers.
    """
    kinds = ["word" if place < words else "number" for place in range(len(headings))]
    head = element("tr", *(_cell("th", h, k) for h, k in zip(headings, kinds, strict=True)))
    body = (
        element("tr", *(_cell("td", c, k) for c, k in zip(row, kinds, strict=True)))
        for row in rows
    )
    whole = element("table", element("thead", head), element("tbody", *body))
    return element("div", whole, class_="scroll", tabindex="0")


def folded(title: str, *content: str) -> Html:
    """Put content behind a title that opens it."""
    return element("details", element("summary", title), *content)


def _text(text: str) -> str:
    # No control or direction character either: what is read is what is there.
    return escape(shown(text), quote=False)


def _cell(name: str, content: str, kind: str) -> Html:
    return element(name, content, class_=kind, scope="col" if name == "th" else None)


def _attributes(attributes: dict[str, Attribute]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(shown(_written(value)))}"'
        for name, value in attributes.items()
        if value is not None
    )


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else f"{round(value, 2):g}"
