"""Database statements with their literals taken out, so that equal statements count as one."""

import re

STATEMENT_CHARS = 300
"""Length to which a normalised statement is cut."""
_READ_CHARS = 4000

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Comments often carry a trace id.
    (re.compile(r"/\*.*?(?:\*/|\Z)|--[^\n]*", re.DOTALL), " "),
    (re.compile(r"'(?:[^'\\]|\\.|'')*+(?:'|\Z)", re.DOTALL), "?"),
    # In double quotes stands a name in standard SQL and a literal in MySQL: keep what looks like
    # a name.
    (re.compile(r'"(?![A-Za-z_][\w.$]*")(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL), "?"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "?"),
    (re.compile(r"\b0x[0-9a-f]+\b|\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b", re.IGNORECASE), "?"),
    (re.compile(r"[$:@]\d+\b"), "?"),
    (re.compile(r"(?<![\w?])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\b", re.IGNORECASE), "?"),
    (re.compile(r"\(\s*\?(?:\s*,\s*\?)+\s*\)"), "(?)"),
    (re.compile(r"\(\?\)(?:\s*,\s*\(\?\))+"), "(?)"),
    (re.compile(r"\s+"), " "),
)


def normalise_statement(text: str) -> str:
    """Replace the literals of a statement by `?`.

    >>> normalise_statement("SELECT * FROM orders2 WHERE id IN (1, 2,3) AND name = 'O''Neil'")
    'SELECT * FROM orders2 WHERE id IN (?) AND name = ?'
    >>> normalise_statement("GET cart:4711")
    'GET cart?'
    """
    statement = text[:_READ_CHARS]
    for pattern, replacement in _PATTERNS:
        statement = pattern.sub(replacement, statement)
    return statement.strip()[:STATEMENT_CHARS]
