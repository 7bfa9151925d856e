"""Characters that drive what shows them, and their harmless forms: for terminals, JSON and logs.

Text from telemetry is hostile. Controls move the cursor, set the title and open links; formats
(bidirectional overrides, zero-width, tags) make text read as something that it is not.
"""

_RANGES = (
    (0x00, 0x20),  # C0: ESC, BEL, CR, backspace
    (0x7F, 0xA0),  # DEL and C1, which some terminals obey as they obey ESC
    (0xAD, 0xAE),
    (0x600, 0x606),
    (0x61C, 0x61D),
    (0x6DD, 0x6DE),
    (0x70F, 0x710),
    (0x180E, 0x180F),
    (0x200B, 0x2010),  # zero-width, direction marks
    (0x2028, 0x202F),  # separators, bidirectional overrides
    (0x2060, 0x2070),  # isolates
    (0xFEFF, 0xFF00),
    (0xFFF9, 0xFFFC),
    (0x1BCA0, 0x1BCA4),
    (0x1D173, 0x1D17B),
    (0xE0000, 0xE0080),  # tags: an invisible copy of ASCII
)


def _escape(code: int) -> str:
    r"""Write a character as JSON does, beyond the first plane as a pair of surrogates.

    >>> _escape(0x1B), _escape(0xE0041)
    ('\\u001b', '\\udb40\\udc41')
    """
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


_ESCAPES = {code: _escape(code) for begin, end in _RANGES for code in range(begin, end)}
_ON_A_TERMINAL = dict.fromkeys(_ESCAPES, "?") | {0x09: " ", 0x0A: "\n"}


def escaped(text: str) -> str:
    r"""Write unsafe characters as escapes. JSON stays JSON, since it has them in texts only.

    >>> escaped("a\x1b[2J\u202eb")
    'a\\u001b[2J\\u202eb'
    """
    return text if text.isprintable() else text.translate(_ESCAPES)


def escaped_json(text: str) -> str:
    r"""The same for JSON with line breaks between its parts (those within texts are escaped).

    >>> escaped_json('{\n "a": "\x9b2J"}')
    '{\n "a": "\\u009b2J"}'
    """
    if text.isprintable():
        return text
    return "\n".join(line.translate(_ESCAPES) for line in text.split("\n"))


def shown(text: str) -> str:
    r"""Put a harmless character in the place of each unsafe one: as long as before, lines kept.

    >>> shown("a\x1b]8;;http://x\x07b\u202e")
    'a?]8;;http://x?b?'
    """
    return text if text.isprintable() else text.translate(_ON_A_TERMINAL)
