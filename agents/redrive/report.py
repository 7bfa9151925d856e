"""What a run of redrive tells: a table or JSON lines, and a summary with an exit code."""

from collections import Counter
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from agents.redrive.judging import REFUSALS, Fate, Judged
from agents.terminal import Terminal, say, say_json

_ROWS = 200
"""Rows of the table; the summary counts all."""
_SHOWN_CHARS = 160
_PIPE_COLUMNS = 200

_MEANINGS = {
    Fate.ALREADY_SENT: "sent before, left out",
    Fate.TOO_OFTEN: "failed too often, left out",
    Fate.SUPERSEDED: "replaced by a later message, left out",
    Fate.HELD: "held by another run: run again in a minute",
    Fate.WITHOUT_ORIGIN: "refused: no origin in its headers",
    Fate.UNKNOWN_TARGET: "refused: unknown target topic",
    Fate.CUT: "refused: cut, and the original is gone",
    Fate.TOO_LARGE: "refused: larger than the topic takes",
}


class Report:
    """Takes fates as they come; prints JSON lines at once and a table at the end."""

    def __init__(self, *, as_json: bool, dry_run: bool) -> None:
        self._as_json = as_json
        self._dry_run = dry_run
        self._counts: Counter[Fate] = Counter()
        self._rows: list[Judged] = []

    def told(self, judged: Judged) -> None:
        """Take one letter's fate."""
        self._counts[judged.fate] += 1
        if self._as_json:
            say_json(self._row(judged))
        elif len(self._rows) < _ROWS and (self._dry_run or judged.fate is not Fate.SEND):
            self._rows.append(judged)

    @property
    def exit_code(self) -> int:
        """1 where something that was asked for could not be done."""
        return int(any(self._counts[fate] for fate in REFUSALS))

    def close(self) -> None:
        """Print the table and the summary."""
        if self._as_json:
            counts = {fate.value: count for fate, count in sorted(self._counts.items())}
            say_json({"summary": counts, "dry_run": self._dry_run})
            return
        if self._rows:
            width = None if click.get_text_stream("stdout").isatty() else _PIPE_COLUMNS
            Terminal(width=width).print(self._table())
        total = self._counts.total()
        if total > len(self._rows) and len(self._rows) == _ROWS:
            say(f"the first {_ROWS} rows are shown; --json lists all")
        say(self._summary(total))

    def _summary(self, total: int) -> str:
        if not total:
            return "no dead letter fits"
        verb = "would be sent again" if self._dry_run else "sent again"
        parts = [f"{self._counts[Fate.SEND]} {verb}"]
        parts += [f"{self._counts[f]} {said}" for f, said in _MEANINGS.items() if self._counts[f]]
        return f"{total} dead letters: {'; '.join(parts)}"

    def _row(self, judged: Judged) -> dict[str, Any]:
        letter = judged.letter
        return {
            "letter": letter.name,
            "at_ms": letter.timestamp_ms,
            "origin": str(letter.origin) if letter.origin is not None else None,
            "first": letter.first,
            "stage": letter.stage,
            "kind": letter.kind,
            "reason": letter.reason,
            "attempts": letter.attempt,
            "bytes": len(letter.value or b""),
            "fate": judged.fate.value if not self._sent(judged) else "sent",
            "note": judged.note,
        }

    def _sent(self, judged: Judged) -> bool:
        return judged.fate is Fate.SEND and not self._dry_run

    def _table(self) -> Table:
        table = Table()
        for heading in ("letter", "from", "stage", "kind", "tries", "bytes", "what", "reason"):
            table.add_column(heading, overflow="fold")
        for judged in self._rows:
            letter = judged.letter
            place = f"{letter.place.partition}:{letter.place.offset}"
            sizes = str(letter.attempt), str(len(letter.value or b""))
            said = judged.note or letter.reason
            cells = (
                place,
                str(letter.origin or "?"),
                letter.stage,
                letter.kind,
                *sizes,
                judged.fate.value,
                said,
            )
            table.add_row(*(Text(plain(cell)) for cell in cells))
        return table


def plain(text: str) -> str:
    r"""Put what a message said on one short line, without what a terminal would obey.

    >>> plain("bad \x1b[31m\n  name")
    'bad ?[31m name'
    """
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]}..."
