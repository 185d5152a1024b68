"""Reads lines of text and rows of CSV, as a stream."""

import csv
import itertools
import pathlib
from collections.abc import Iterator
from collections.abc import Sequence

from vqa_keras.errors import UserError

_DELIMITERS = (",", ";", "\t")  # A spreadsheet writes that of its language.


def text_lines(path: pathlib.Path) -> Iterator[tuple[int, str]]:
    """Yields the lines of a file with their numbers, from 1.

    A line keeps its end. A byte order mark is skipped.

    Args:
        path: `pathlib.Path` of a text in UTF-8.

    Raises:
        UserError: if the file cannot be read or a line is not UTF-8.
    """
    number = 1
    try:
        with open(path, "rb") as file:
            for number, data in enumerate(file, start=1):
                if number == 1:
                    data = data.removeprefix(b"\xef\xbb\xbf")
                yield number, data.decode()
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} must be UTF-8 text at line {number}. Received: "
            f"{error.reason}"
        ) from error
    except OSError as error:
        raise UserError(
            f"{path} must be a readable file. Received: {error.strerror}"
        ) from error


def csv_rows(
    path: pathlib.Path, columns: Sequence[str], required: Sequence[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields the rows of a CSV file by the names of its header.

    Commas, semicolons or tabs separate the cells. Quotes may enclose a cell, as
    they must one with a separator or a newline in it. A row without content is
    skipped.

    Args:
        path: `pathlib.Path` of a CSV file in UTF-8.
        columns: names that the header may have.
        required: those of them that it must have.

    Yields:
        The line at which the row begins, and `{column: cell}` without empty
        cells.

    Raises:
        UserError: if the file is not such a CSV file, with the line.
    """
    lines = text_lines(path)
    first = next(lines, (1, ""))[1]
    delimiter = _delimiter(first, required)
    rows = _rows(path, first, lines, delimiter)
    header = [name.strip() for name in next(rows, (1, []))[1]]
    _check_header(path, header, columns, required)
    for number, cells in rows:
        if not any(map(str.strip, cells)):
            continue
        if len(cells) != len(header):
            raise UserError(
                f"{path}, line {number}: must have {len(header)} cells, as the "
                f"header. Received: {len(cells)}"
            )
        named = {
            name: cell
            for name, cell in zip(header, cells, strict=True)
            if cell.strip()
        }
        if "" in named:
            raise UserError(
                f"{path}, line {number}: must have cells in columns with a "
                f"name only. Received: {named['']}"
            )
        yield number, named


def _delimiter(line: str, required: Sequence[str]) -> str:
    """Returns the separator by which a header names all required columns."""
    for delimiter in _DELIMITERS:
        names = {name.strip(' "\r\n') for name in line.split(delimiter)}
        if names.issuperset(required):
            return delimiter
    return _DELIMITERS[0]


def _rows(
    path: pathlib.Path,
    first: str,
    lines: Iterator[tuple[int, str]],
    delimiter: str,
) -> Iterator[tuple[int, list[str]]]:
    texts = itertools.chain([first], (text for _, text in lines))
    # strict: else an open quote takes the rest of the file for one cell.
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    number = 1
    try:
        for cells in reader:
            yield number, cells
            number = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{path}, line {number}: must be a row of CSV, with each quote "
            f"closed. Received: {error}"
        ) from error


def _check_header(
    path: pathlib.Path,
    header: Sequence[str],
    columns: Sequence[str],
    required: Sequence[str],
) -> None:
    received = ", ".join(header)[:200] or "an empty line"
    missing = [name for name in required if name not in header]
    if missing:
        raise UserError(
            f"{path}, line 1: must be a header with the columns "
            f"{', '.join(required)}. Received: {received}"
        )
    named = [name for name in header if name]
    unknown = [name for name in named if name not in columns]
    if unknown or len(set(named)) < len(named):
        raise UserError(
            f"{path}, line 1: must be a header with no columns but "
            f"{', '.join(columns)}, each once. Received: {received}"
        )
