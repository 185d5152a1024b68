"""Parses the rows of a table of region features.

`vqa_keras.writing.region_features` documents the tables.
"""

from typing import NamedTuple

from vqa_keras.errors import UserError
from vqa_keras.writing.region_payload import boxes_of
from vqa_keras.writing.region_payload import decode_base64
from vqa_keras.writing.region_payload import features_of
from vqa_keras.writing.regions import NAMES
from vqa_keras.writing.regions import Regions
from vqa_keras.writing.regions import UnreadableFeatures
from vqa_keras.writing.regions import checked
from vqa_keras.writing.regions import named

_BOM = b"\xef\xbb\xbf"
_MAX_HEADER = 4096  # bytes
_MAX_CELLS = 100
_LONG = 8  # characters of an image_id that is no end of another one
_REQUIRED = ("image_id", "num_boxes", "boxes", "features")


class Layout(NamedTuple):
    """Numbers of the columns of a table.

    Args:
        image_id: int.
        width: int, of the image's width, or -1 without one.
        height: int, of the image's height, or -1 without one.
        num_boxes: int.
        boxes: int.
        features: int.
        columns: int, number of all columns.
    """

    image_id: int
    width: int
    height: int
    num_boxes: int
    boxes: int
    features: int
    columns: int


# Tables without a header: bottom-up attention, and LXMERT with the ids and
# confidences of objects and attributes in columns 3 to 6.
SIX_COLUMNS = Layout(0, 1, 2, 3, 4, 5, 6)
TEN_COLUMNS = Layout(0, 2, 1, 7, 8, 9, 10)
_OF_OBJECTS = slice(3, 7)


class Row(NamedTuple):
    """A parsed row.

    Args:
        image_id: str.
        regions: `Regions`.
        layout: `Layout` of the row.
        item_size: int, bytes per value of the features.
    """

    image_id: str
    regions: Regions
    layout: Layout
    item_size: int


def parse_header(row: bytes, name: str) -> Layout | None:
    """Returns the layout of a header, or None for any other row.

    Args:
        row: bytes of the line.
        name: str, location of the row.

    Raises:
        UserError: if the header lacks a column or has it twice.
    """
    if len(row) > _MAX_HEADER:
        return None
    names = [
        cell.decode("utf-8", "replace")
        for cell in _cells(row.removeprefix(_BOM))
    ]
    columns = {role: named(role, names) for role in NAMES}
    if not columns["boxes"] or not columns["features"]:
        return None
    for role, found in columns.items():
        if len(found) > 1 or (role in _REQUIRED and not found):
            raise UserError(
                f"{name} must have one column of {role}, with a name of "
                f"{', '.join(NAMES[role])}. Received: {', '.join(names)}"
            )
    number = {
        role: names.index(found[0]) if found else -1
        for role, found in columns.items()
    }
    return Layout(**number, columns=len(names))


def parse_row(
    row: bytes, layout: Layout | None = None, item_size: int | None = None
) -> Row:
    """Parses a row of a table.

    Args:
        row: bytes of the line, with or without the line end.
        layout: `Layout` by the header. Defaults to None: by the number of
            columns.
        item_size: int, bytes per value of the features, for a row that leaves
            it open. Defaults to None, unknown.

    Returns:
        `Row`.

    Raises:
        UnreadableFeatures: with the reason and, if readable, the image_id.
    """
    cells = _cells(row.removeprefix(_BOM))
    if layout is None:
        layout = TEN_COLUMNS if _has_ten_columns(cells) else SIX_COLUMNS
    image_id = _image_id(cells, layout)
    try:
        regions, item_size = _parse_cells(cells, layout, item_size)
    except UnreadableFeatures as error:
        error.image_id = image_id
        raise
    return Row(image_id, regions, layout, item_size)


def _image_id(cells: list[bytes], layout: Layout) -> str:
    # An image_id without a tab after it may be truncated.
    if len(cells) == layout.columns or len(cells) > layout.image_id + 1:
        try:
            if image_id := cells[layout.image_id].decode():
                return image_id
        except UnicodeDecodeError:
            pass
    raise UnreadableFeatures("no_image_id")


def start_of_joined_row(row: bytes, layout: Layout | None = None) -> int | None:
    """Finds the whole row that follows a broken one of its image in one line.

    A process that is killed leaves a row without a line end, and the process
    that continues appends to it. The second image_id then stands at the end of
    the broken cell, where it is known only if it is the first one again.

    Args:
        row: bytes of the line.
        layout: `Layout` by the header. Defaults to None: either form without a
            header.

    Returns:
        int, offset of the second row, or None if there is none.
    """
    cells = row.rstrip(b"\r\n").split(b"\t", _MAX_CELLS)
    for form in (layout,) if layout else (SIX_COLUMNS, TEN_COLUMNS):
        broken = len(cells) - form.columns  # number of the broken cell
        if broken < 1 or form.image_id != 0:
            continue
        offset = sum(len(cell) + 1 for cell in cells[: broken + 1])
        offset -= 1 + len(cells[0])
        whole = [cells[0], *cells[broken + 1 :]]
        if cells[broken].endswith(cells[0]) and (
            row[offset:].startswith(row[:offset])
            or (
                _ends_alone(cells[broken], cells[0])
                and all(
                    cells[column] == whole[column]
                    for column in (form.width, form.height)
                    if 0 < column < broken
                )
            )
        ):
            return offset
    return None


def _ends_alone(cell: bytes, image_id: bytes) -> bool:
    """Whether no other image_id than this one can end the cell."""
    if image_id.isdigit():
        # A digit before it may be part of a longer number.
        before = cell[: -len(image_id)]
        return not before[-1:].isdigit()
    return (
        len(image_id) >= _LONG
        or image_id.endswith((b"'", b'"'))
        or cell == image_id
    )


def _has_ten_columns(cells: list[bytes]) -> bool:
    """Whether the columns of objects and attributes have a value per box."""
    if len(cells) != TEN_COLUMNS.columns:
        return False
    try:
        num_boxes = _natural(cells[TEN_COLUMNS.num_boxes], "")
        sizes = [len(decode_base64(cell)) for cell in cells[_OF_OBJECTS]]
    except UnreadableFeatures:
        return False
    return all(size and size % num_boxes == 0 for size in sizes)


def _parse_cells(
    cells: list[bytes], layout: Layout, item_size: int | None
) -> tuple[Regions, int]:
    if len(cells) != layout.columns:
        short = len(cells) < layout.columns
        raise UnreadableFeatures("truncated_row" if short else "damaged_row")
    size = None
    if layout.width >= 0 and layout.height >= 0:
        size = (
            _natural(cells[layout.height], "wrong_image_size"),
            _natural(cells[layout.width], "wrong_image_size"),
        )
    num_boxes = _natural(cells[layout.num_boxes], "wrong_num_boxes")
    boxes = boxes_of(decode_base64(cells[layout.boxes]), num_boxes)
    raw = decode_base64(cells[layout.features])
    features = features_of(raw, num_boxes, item_size)
    return checked(features, boxes, size), features.itemsize


def _natural(cell: bytes, reason: str) -> int:
    if not cell.isdigit() or len(cell) > 9 or int(cell) == 0:
        raise UnreadableFeatures(reason)
    return int(cell)


def _cells(row: bytes) -> list[bytes]:
    """Returns the cells of a row; more than a table has remain in the last."""
    cells = row.rstrip(b"\r\n").split(b"\t", _MAX_CELLS)
    return [_clean(cell) for cell in cells]


def _clean(cell: bytes) -> bytes:
    """Removes the quotes of csv, and those that Python writes for bytes."""
    cell = cell.strip()
    if len(cell) > 1 and cell[:1] == cell[-1:] == b'"':
        cell = cell[1:-1].replace(b'""', b'"')
    if len(cell) > 2 and cell[:2] in (b"b'", b'b"') and cell[-1:] == cell[1:2]:
        cell = cell[2:-1].replace(rb"\n", b"")
    return cell
