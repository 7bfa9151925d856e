"""A received message as a person sees it in chat, drawn for a terminal with rich.

Pure. The text is drawn as text: no markup of rich is read from it, and no control characters pass.
"""

import html
import re
from collections.abc import Mapping
from typing import Any

from rich.box import HEAVY
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

_SENDER = "Rootline"
# Slack's markup as our messages use it: *bold*, _italic_, `code`, <url|label>.
_TOKEN = re.compile(
    r"(?P<link><(?P<url>https?://[^|>]+)\|(?P<label>[^>]*)>)"
    r"|(?<![\w*])\*(?=\S)(?P<bold>[^*\n]+)(?<=\S)\*(?![\w*])"
    r"|(?<![\w_])_(?=\S)(?P<italic>[^_\n]+)(?<=\S)_(?![\w_])"
    r"|`(?P<code>[^`\n]+)`"
)
_STYLES = {"bold": "bold", "italic": "italic", "code": "red on grey15"}
_COLOURS = {"🔴": "red", "🟠": "dark_orange", "✅": "green"}


def render_terminal(payload: Mapping[str, Any]) -> RenderableType:
    """Draw a message: a panel with the sender, the header in bold, sections, small print."""
    blocks = payload.get("blocks") or ()
    parts = [part for block in blocks if (part := _block(block)) is not None]
    if not parts:
        parts = [_mrkdwn(str(payload.get("text", "")))]
    return Panel(
        Group(*parts),
        title=Text(f"{_SENDER}  APP", style="bold"),
        title_align="left",
        border_style=_colour(blocks),
        box=HEAVY,
        padding=(0, 1),
    )


def _colour(blocks: Any) -> str:
    first = _written(blocks[0].get("text")) if blocks else ""
    return next((colour for mark, colour in _COLOURS.items() if first.startswith(mark)), "cyan")


def _block(block: Mapping[str, Any]) -> RenderableType | None:
    kind = block.get("type")
    if kind == "header":
        return Text(_shown(_written(block.get("text"))), style="bold")
    if kind == "divider":
        return Rule(style="dim")
    if kind == "section":
        texts = [block.get("text"), *(block.get("fields") or ())]
        # Sections stand apart in chat; the empty line above is that gap.
        return Group(Text(), *(_object(text) for text in texts if text))
    if kind == "context":
        small = [_object(element) for element in block.get("elements") or ()]
        for text in small:
            text.stylize("dim")
        return Group(Text(), *small)
    return None


def _object(text: Mapping[str, Any]) -> Text:
    written = _written(text)
    return _mrkdwn(written) if text.get("type") == "mrkdwn" else Text(_shown(written))


def _written(text: Any) -> str:
    return str(text.get("text", "")) if isinstance(text, Mapping) else ""


def _mrkdwn(source: str) -> Text:
    """Read Slack's markup; entities are resolved last, so escaped text never becomes markup."""
    drawn = Text()
    end = 0
    for token in _TOKEN.finditer(source):
        drawn.append(_shown(source[end : token.start()]))
        end = token.end()
        kind = token.lastgroup or ""
        if token.group("link"):
            address = html.unescape(token.group("url"))
            drawn.append(_shown(token.group("label")), style=f"underline blue link {address}")
        else:
            drawn.append(_shown(token.group(kind)), style=_STYLES[kind])
    drawn.append(_shown(source[end:]))
    return drawn


def _shown(text: str) -> str:
    """Resolve entities and drop what could drive a terminal."""
    plain = html.unescape(text)
    return "".join(char for char in plain if char == "\n" or char.isprintable())
