"""A CSV file of numbers as columns."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.importers.errors import LayoutError
from agents.importers.text_file import text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvTable:
    """Header rows by column, and the numbers below: one row a line; NaN where a cell is empty."""

    headers: tuple[tuple[str, ...], ...]
    values: NDArray[np.float64]


def read_csv_table(path: Path, *, header_rows: int = 1) -> CsvTable:
    """Read a file; its lines must have as many cells as its header.

    Raises:
        LayoutError: when it is no such table; names the line.
    """
    with text_of(path) as file:
        rows = [row for row in csv.reader(file) if row]
    heads, lines = rows[:header_rows], rows[header_rows:]
    width = len(heads[0]) if heads else 0
    if any(len(head) != width for head in heads):
        msg = f"{path} has header rows of different lengths; unpack the set again"
        raise LayoutError(msg)
    numbers = [_numbers(row, path, header_rows + n, width) for n, row in enumerate(lines, 1)]
    return CsvTable(
        headers=tuple(zip(*heads, strict=True)) if heads else (),
        values=np.array(numbers, dtype=np.float64).reshape(len(numbers), width),
    )


def _numbers(row: Sequence[str], path: Path, line: int, width: int) -> list[float]:
    if len(row) != width:
        msg = f"{path}:{line} has {len(row)} cells, expected {width}; unpack the set again"
        raise LayoutError(msg)
    try:
        return [float(cell) if cell.strip() else float("nan") for cell in row]
    except ValueError as error:
        msg = f"{path}:{line} holds no numbers ({str(error)[:200]}); unpack the set again"
        raise LayoutError(msg) from error
