"""Opens the text files of a set, under every importer.

Invariant: what is no UTF-8, or no table that the csv module can read, ends as a sentence that
names the file.
"""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from agents.importers.errors import LayoutError


@contextmanager
def text_of(path: Path) -> Iterator[TextIO]:
    """Open a file to be read as text, or as the csv module wants it.

    Raises:
        LayoutError: what is read inside is no text, or no CSV.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield file
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path} is no table in UTF-8 ({str(error)[:200]}); unpack the set again"
        raise LayoutError(msg) from error
