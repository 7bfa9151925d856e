"""What Slack checks of a posted message, as far as it is documented: pure.

Used by the chat receiver, so that a message that passes here would be shown there.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

MAX_BLOCKS = 50
MAX_TEXT = 40_000
MAX_TOTAL = 13_200
_MAX_BLOCK_ID = 255
_MAX_TEXT_OBJECT = 3_000
_MAX_HEADER = 150
_MAX_FIELDS = 10
_MAX_FIELD = 2_000
_MAX_CONTEXT = 10

Block = dict[str, Any]


class Code(StrEnum):
    """Slack's words for what is wrong with a message."""

    BLOCKS = "invalid_blocks"
    PAYLOAD = "invalid_payload"
    NO_TEXT = "no_text"
    TOO_LONG = "msg_blocks_too_long"


class SlackRefusalError(ValueError):
    """Slack would answer 400; `code` is the word in the body, the message says which rule."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def check_message(payload: object) -> Block:
    """Return the payload if Slack would take it.

    Raises:
        SlackRefusalError: with Slack's word for what is wrong.
    """
    if not isinstance(payload, dict):
        raise SlackRefusalError(Code.PAYLOAD, f"expected an object, found {_kind(payload)}")
    text, blocks = payload.get("text"), payload.get("blocks")
    if not text and not blocks:
        raise SlackRefusalError(Code.NO_TEXT, "neither text nor blocks are there")
    if text is not None and (not isinstance(text, str) or len(text) > MAX_TEXT):
        raise SlackRefusalError(Code.PAYLOAD, f"text must be a string of at most {MAX_TEXT}")
    if blocks is not None:
        _check_blocks(blocks)
    return payload


def _check_blocks(blocks: object) -> None:
    if not isinstance(blocks, list) or not 1 <= len(blocks) <= MAX_BLOCKS:
        raise SlackRefusalError(Code.BLOCKS, f"blocks must be a list of 1 to {MAX_BLOCKS}")
    ids: set[str] = set()
    for block in blocks:
        if not isinstance(block, dict):
            raise SlackRefusalError(Code.BLOCKS, f"a block is {_kind(block)}, not an object")
        check = _CHECKS.get(str(block.get("type")))
        if check is None:
            raise SlackRefusalError(Code.BLOCKS, f"there is no block type {block.get('type')!r}")
        check(block)
        _check_id(block.get("block_id"), ids)
    total = sum(map(_text_length, blocks))
    if total > MAX_TOTAL:
        raise SlackRefusalError(Code.TOO_LONG, f"{total} characters, at most {MAX_TOTAL}")


def _check_id(block_id: object, ids: set[str]) -> None:
    if block_id is None:
        return
    if not isinstance(block_id, str) or not 1 <= len(block_id) <= _MAX_BLOCK_ID:
        raise SlackRefusalError(Code.BLOCKS, f"block_id must have 1 to {_MAX_BLOCK_ID} characters")
    if block_id in ids:
        raise SlackRefusalError(Code.BLOCKS, f"block_id {block_id!r} is there twice")
    ids.add(block_id)


def _check_header(block: Block) -> None:
    _check_text(block.get("text"), _MAX_HEADER, ("plain_text",), "header")


def _check_section(block: Block) -> None:
    text, fields = block.get("text"), block.get("fields")
    if text is None and not fields:
        raise SlackRefusalError(Code.BLOCKS, "a section has neither text nor fields")
    if text is not None:
        _check_text(text, _MAX_TEXT_OBJECT, ("plain_text", "mrkdwn"), "section")
    if fields is not None:
        if not isinstance(fields, list) or not 1 <= len(fields) <= _MAX_FIELDS:
            raise SlackRefusalError(Code.BLOCKS, f"a section takes 1 to {_MAX_FIELDS} fields")
        for found in fields:
            _check_text(found, _MAX_FIELD, ("plain_text", "mrkdwn"), "field")


def _check_context(block: Block) -> None:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= _MAX_CONTEXT:
        raise SlackRefusalError(Code.BLOCKS, f"a context takes 1 to {_MAX_CONTEXT} elements")
    for element in elements:
        _check_text(element, _MAX_TEXT_OBJECT, ("plain_text", "mrkdwn"), "context")


def _check_divider(_block: Block) -> None:
    return


def _check_text(text: object, limit: int, types: tuple[str, ...], where: str) -> None:
    if not isinstance(text, dict) or text.get("type") not in types:
        raise SlackRefusalError(Code.BLOCKS, f"the text of a {where} must be of {types}")
    written = text.get("text")
    if not isinstance(written, str) or not 1 <= len(written) <= limit:
        raise SlackRefusalError(Code.BLOCKS, f"the text of a {where} must have 1 to {limit}")


_CHECKS: dict[str, Callable[[Block], None]] = {
    "header": _check_header,
    "section": _check_section,
    "context": _check_context,
    "divider": _check_divider,
}


def _text_length(part: object) -> int:
    """Count the characters of every text below a block."""
    if isinstance(part, dict):
        own = part.get("text")
        written = len(own) if isinstance(own, str) else 0
        return written + sum(_text_length(item) for item in part.values())
    return sum(map(_text_length, part)) if isinstance(part, list) else 0


def _kind(value: object) -> str:
    return type(value).__name__
