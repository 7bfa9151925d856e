"""The one way to a terminal: whatever is printed loses what could drive it.

Every command prints through `Terminal`, `say` or `say_json`; a test holds that nobody makes a
console of another kind. Text is text: no markup of rich is read from it unless it is a `Text`.
"""

from collections.abc import Iterable
from typing import Any

import click
import orjson
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from agents.unsafe_text import escaped_json, shown


class Terminal(Console):
    """A console of rich on which no text is more than text.

    Strings and `Text` are cleaned before they are measured, so that tables keep their shape; what
    comes some other way is cleaned as it is drawn.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"markup": False, "emoji": False, "highlight": False} | options))

    def render_str(self, text: str, **options: Any) -> Text:
        """Turn a string into a `Text`."""
        return super().render_str(shown(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Draw something."""
        if isinstance(renderable, Text):
            renderable = _clean_text(renderable)
        return map(_clean_segment, super().render(renderable, options))


def say(text: str, *, err: bool = False) -> None:
    """Print a line of text."""
    click.echo(shown(text), err=err)


def say_json(value: Any, option: int = 0) -> None:
    """Print a value as JSON; unsafe characters in its texts as escapes."""
    click.echo(escaped_json(orjson.dumps(value, option=option).decode()))


def _clean_text(text: Text) -> Text:
    clean = shown(text.plain)
    if clean == text.plain:
        return text
    # As long as before, so its styles stay where they were.
    copy = text.copy()
    copy.plain = clean
    return copy


def _clean_segment(segment: Segment) -> Segment:
    if segment.control:
        return segment
    style = segment.style
    if style is not None and style.link and not _is_plain(style.link):
        # A link is written into a control sequence, which its own text could end.
        style = style.update_link(None)
    elif segment.text.isprintable():
        return segment
    return Segment(shown(segment.text), style)


def _is_plain(link: str) -> bool:
    return link.isascii() and link.isprintable()
