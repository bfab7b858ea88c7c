"""CSV files from outside, record by record, with bounds on what one record may cost."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

COLUMNS_MAX = 500
RECORD_MAX = 1_000_000  # characters of one record with all its lines; the csv module bounds a cell by 131,072


def read_records(text: str, *, delimiter: str = ",", strict: bool = False) -> Iterator[tuple[int, list[str] | str]]:
    """Each record with the line that it ends on (the first line is 1): its cells, or a sentence on what is wrong.

    Empty lines are records without cells. After a mistake the next line begins a new record.
    """
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=strict)
    while True:
        lines.left = RECORD_MAX
        try:
            record: list[str] | str = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            record = str(error)
        yield lines.number, record


class _Lines:
    """The lines of a text, of which one record may take `left` characters."""

    def __init__(self, text: str) -> None:
        self._lines = iter(io.StringIO(text, newline=""))
        self.left = RECORD_MAX
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self.left -= len(line)
        if self.left < 0:
            raise csv.Error(f"a row is longer than {RECORD_MAX:,} characters")
        return line
