"""One image has one set of features, the readable one."""

import numpy as np
import pytest

from tests.fixtures.region_files import column
from tests.fixtures.region_files import image
from tests.fixtures.region_files import reason
from tests.fixtures.region_files import row
from vqa_keras.errors import UserError
from vqa_keras.writing.region_entries import DroppedRow

VALUES = [[0, 1, 2], [3, 4, 5]]
COCO = "COCO_train2014_000000000009"


@pytest.fixture(scope="module")
def whole():
    """Returns the row of image 150367, with float32 that look random."""
    rng = np.random.default_rng(0)
    features = column(rng.random((2, 3), "float32"))
    boxes = column(np.sort(rng.random((2, 4), "float32")) * 40)
    return row("150367", boxes=boxes, features=features)


def assert_whole(index, *rows):
    scan, features = index(row("1", regions="9", boxes=36, features=27), *rows)
    assert scan.images == 2
    rng = np.random.default_rng(0)
    expected = rng.random((2, 3), "float32")
    read = features.read(image("150367"))
    np.testing.assert_array_equal(read.features, expected)
    return scan.dropped


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_broken_row_and_the_whole_one_give_the_whole_one(index, whole, end):
    # Wherever the broken row ends behind its image_id.
    for length in range(len("150367\t"), len(whole) - 1):
        dropped = assert_whole(index, whole[:length] + end, whole)
        assert [(row.image_id) for row in dropped] == ["150367"]
        assert dropped[0].row.endswith("regions.tsv:2")


def test_the_whole_row_may_come_first(index, whole):
    for length in range(len("150367\t"), len(whole) - 1, 7):
        dropped = assert_whole(index, whole, whole[:length] + "\n")
        assert [row.image_id for row in dropped] == ["150367"]


def test_a_broken_row_of_other_values_is_replaced_in_its_line(index, whole):
    other = row("150367", features=column(np.full(6, 0.3)))
    assert_whole(index, other[:-9] + whole)


@pytest.mark.parametrize("image_id", ["150367", "b'150367'", COCO])
def test_ten_columns_may_be_joined_too(index, image_id):
    objects = [column([0, 0])] * 4
    cells = [image_id, "48", "64", *objects, "2", column(range(8))]
    line = "\t".join([*cells, column(range(6))]) + "\n"
    for cut in range(len(image_id) + 1, len(line) - 1):
        _, features = index(line[:cut] + line)
        read = features.read(image(image_id.strip("b'")))
        assert read.features.tolist() == VALUES
        assert read.image_size == (48, 64)


def test_a_joined_row_of_another_image_is_not_taken(index):
    # The line ends like the row of image 7, but it is that of 17.
    broken = row("7")[:-5]
    _, features = index(row("1"), broken + row("17", features=column([8] * 6)))
    assert reason(features, image("7")) == "damaged_row"
    assert reason(features, image("17")) == "missing_features"
    broken = row("7", size=("50", "50"))[:-4] + "A"
    _, features = index(row("1"), broken + row("7"))
    assert reason(features, image("7")) == "damaged_row"


def test_equal_rows_count_once_and_different_ones_are_refused(index, tmp_path):
    scan, features = index(row("1"), row("1"))
    drop = DroppedRow(f"{tmp_path}/regions.tsv:2", "duplicate_image_id", "1")
    assert (scan.images, scan.dropped) == (1, [drop])
    with pytest.raises(UserError) as error:
        index(row("1"), row("2"), row("1", features=column([8] * 6)))
    for part in (
        "Image 1 ",
        "regions.tsv:1 and",
        "regions.tsv:3, which differ",
    ):
        assert part in str(error.value)


def test_two_files_of_one_image_are_both_named(index, tmp_path):
    boxes = np.arange(8).reshape(2, 4)
    for name, value in (("9.npz", 1), ("sub/9.jpg.npz", 2)):
        path = tmp_path / "npz" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, x=np.full((2, 3), value), bbox=boxes)
    with pytest.raises(UserError, match=r"npz/9\.npz and .*sub/9\.jpg\.npz"):
        index(tmp_path / "npz")


def test_a_readable_file_replaces_a_broken_row(index, tmp_path):
    table = tmp_path / "a.tsv"
    table.write_text(row("9", regions="3") + row("1"))
    (tmp_path / "npz").mkdir()
    boxes = np.arange(8).reshape(2, 4)
    np.savez(tmp_path / "npz" / "9.npz", x=VALUES, bbox=boxes)
    scan, features = index(table, tmp_path / "npz")
    assert features.read(image("9")).features.tolist() == VALUES
    assert scan.dropped == [DroppedRow(f"{table}:1", "wrong_num_boxes", "9")]


def test_a_row_of_two_broken_ones_keeps_the_first_reason(index):
    _, features = index(row("1"), row("9", regions="3"), row("9")[:-9] + "\n")
    assert reason(features, image("9")) == "wrong_num_boxes"
