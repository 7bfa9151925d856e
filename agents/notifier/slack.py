"""A Story as the payload of a Slack-compatible incoming webhook: pure, within every limit.

Text from telemetry is escaped, mentions are broken, and links in it stay text (`verbatim`). The
payload is built whole, then without its least important blocks, then as two that always fit.
"""

import re
from collections.abc import Iterable
from typing import Any

import orjson

from agents.notifier.plain import plain
from agents.notifier.sent import Occasion, Sent
from agents.notifier.story import Link, Section, Story, tell
from schemas.incident import Incident

MAX_BLOCKS = 50
MAX_HEADER = 150
MAX_SECTION = 3_000
MAX_TEXT = 3_000
# Slack refuses about 13,200 characters with msg_blocks_too_long; counted in JSON, to be safe.
MAX_TOTAL = 12_000

_LINE = 600  # characters of one line of ours; telemetry was cut shorter by the story
_MAX_URL = 1_000
# What Slack or Mattermost would make a mention, a link or a picture of: of telemetry, nothing.
_LIVE = re.compile(
    r"@(?=\w)|<(?=[!@#])|:(?=//)|\](?=[(:\[])|!(?=\[)|\bwww(?=\.)|\bmailto(?=:)", re.IGNORECASE
)
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ELLIPSIS = "…"
_MARKS = {"critical": "🔴", "warning": "🟠"}


def render(
    incident: Incident, occasion: Occasion, *, before: Sent | None = None, console_url: str = ""
) -> dict[str, Any]:
    """Render an incident on an occasion as a webhook payload."""
    return lay_out(tell(incident, occasion, before=before, console_url=console_url))


def lay_out(story: Story) -> dict[str, Any]:
    """Lay a story out; whatever its size, the result is within the limits."""
    required = [_header(story), *_lead(story)]
    optional = [_list(section) for section in story.sections[: MAX_BLOCKS - 5]]
    closing = _closing(story)
    for kept in range(len(optional), -1, -1):
        blocks = [*required, *optional[:kept], *closing]
        if _size(blocks) <= MAX_TOTAL:
            return _payload(story, blocks)
    return _payload(story, [_header(story), _section(mrkdwn(story.lead or story.headline, 1_000))])


def plain_payload(story: Story) -> dict[str, Any]:
    """Say it in one line of text, for a receiver that refuses the blocks."""
    return {"text": _summary(story), "unfurl_links": False, "unfurl_media": False}


def _payload(story: Story, blocks: list[dict[str, Any]]) -> dict[str, Any]:
    return plain_payload(story) | {"blocks": blocks}


def _summary(story: Story) -> str:
    """The text that notifications and targets without blocks show."""
    parts = [f"{_mark(story)}{plain(story.headline, _LINE)}", plain(story.lead, _LINE)]
    parts += [plain(fact, _LINE) for fact in story.facts[:2]]
    text = mrkdwn(". ".join(part.rstrip(".") for part in parts if part), MAX_TEXT - 200)
    # Without blocks the link is the only way on.
    link = _anchor(story.link)
    return f"{text} {link}" if link and len(link) <= 150 else text or "Incident"


def _header(story: Story) -> dict[str, Any]:
    # plain_text is neither marked up nor escaped by Slack; only mentions need breaking.
    text = _clip(_defused(f"{_mark(story)}{plain(story.headline, _LINE)}"), MAX_HEADER)
    return {
        "type": "header",
        "text": {"type": "plain_text", "text": text or "Incident", "emoji": True},
    }


def _mark(story: Story) -> str:
    if story.occasion is Occasion.RESOLVED:
        return "✅ "
    if story.occasion is Occasion.MERGED:
        return ""
    mark = _MARKS.get(story.severity)
    return f"{mark} " if mark else ""


def _lead(story: Story) -> list[dict[str, Any]]:
    lines = [f"*{mrkdwn(story.lead, _LINE)}*"] if story.lead.strip() else []
    text = _fill(lines, (mrkdwn(fact, _LINE) for fact in story.facts if fact))
    return [_section(text)] if text else []


def _list(section: Section) -> dict[str, Any]:
    bullets = (f"• {mrkdwn(item, _LINE)}" for item in section.items)
    return _section(_fill([f"*{mrkdwn(section.title, 100)}*"], bullets))


def _closing(story: Story) -> list[dict[str, Any]]:
    notes = mrkdwn(" · ".join(plain(note, 200) for note in story.notes), 1_000)
    link = _anchor(story.link)
    text = "  ".join(part for part in (link, notes) if part)
    if not text:
        return []
    return [{"type": "context", "elements": [_mrkdwn_object(text)]}]


def _anchor(link: Link | None) -> str:
    if link is None or len(link.url) > _MAX_URL or any(c in link.url for c in "<>| \n"):
        return ""
    return f"<{link.url.replace('&', '&amp;')}|{mrkdwn(link.label, 60)}>"


def _fill(lines: list[str], more: Iterable[str]) -> str:
    """Add lines while they fit into a section, and say that some did not."""
    shown, used = list(lines), sum(_units(line) + 1 for line in lines)
    for line in more:
        used += _units(line) + 1
        if used > MAX_SECTION - 2:
            shown.append(_ELLIPSIS)
            break
        shown.append(line)
    return "\n".join(shown)


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn_object(text)}


def _mrkdwn_object(text: str) -> dict[str, Any]:
    # verbatim: Slack turns no URL, #channel or @name of the text into a link or a mention.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def mrkdwn(text: str, limit: int) -> str:
    """Clean and escape text from telemetry; at most `limit` units, no entity cut in two.

    >>> mrkdwn("<b> a & b", 80)
    '&lt;b&gt; a &amp; b'
    >>> mrkdwn("x<y", 5), mrkdwn("@here!", 80) == "@here!"
    ('x…', False)
    """
    pieces = [_ESCAPES.get(char, char) for char in _defused(plain(text, limit))]
    if sum(map(_units, pieces)) <= limit:
        return "".join(pieces)
    return _within(pieces, limit)


def _clip(text: str, limit: int) -> str:
    return text if _units(text) <= limit else _within(text, limit)


def _within(pieces: Iterable[str], limit: int) -> str:
    room, kept = limit - _units(_ELLIPSIS), []
    for piece in pieces:
        room -= _units(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept) + _ELLIPSIS


def _defused(text: str) -> str:
    # A zero-width space in the middle: no chat sees a mention or a link, people still do.
    return _LIVE.sub(lambda found: found[0] + "\u200b", text)


def _units(text: str) -> int:
    """Length in UTF-16 units, the most that any receiver counts for a character."""
    return len(text) + sum(char > "\uffff" for char in text)


def _size(blocks: list[dict[str, Any]]) -> int:
    return _units(orjson.dumps(blocks).decode())
