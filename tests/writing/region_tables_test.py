"""Tables of region features in published forms give the same regions."""

import base64
import csv

import numpy as np
import pytest

from tests.fixtures.region_files import column
from tests.fixtures.region_files import image
from tests.fixtures.region_files import reason
from tests.fixtures.region_files import row
from vqa_keras.errors import UserError
from vqa_keras.writing import region_payload

SIX = ("image_id", "image_w", "image_h", "num_boxes", "boxes", "features")
TEN = (
    "img_id img_h img_w objects_id objects_conf attrs_id attrs_conf num_boxes "
    "boxes features"
).split()
MIXED = (
    "features",
    "img_height",
    "scores",
    "bbox",
    "num_bbox",
    "img_w",
    "img_id",
)
REGIONS, CHANNELS = 5, 16


@pytest.fixture
def regions():
    """Returns features and boxes of image 9, which is 64 x 48 pixels."""
    rng = np.random.default_rng(0)
    features = rng.gamma(0.5, 1, (REGIONS, CHANNELS)).astype("float32")
    boxes = np.sort(rng.random((REGIONS, 4), "float32"), axis=1) * 48
    return features, boxes


def cells(regions, features="<f4", boxes="<f4", encode=column):
    """Returns the cells of image 9 under all names."""
    cells = {
        "id": "9",
        "w": "64",
        "h": "48",
        "num": str(REGIONS),
        "boxes": encode(regions[1], boxes),
        "features": encode(regions[0], features),
    }
    objects = encode(np.zeros(REGIONS), "<f4")
    return {
        **dict.fromkeys(TEN[3:7], objects),
        "scores": "0.5",
        "image_id": cells["id"],
        "img_id": cells["id"],
        "image_w": cells["w"],
        "img_w": cells["w"],
        "image_h": cells["h"],
        "img_h": cells["h"],
        "img_height": cells["h"],
        "num_boxes": cells["num"],
        "num_bbox": cells["num"],
        "boxes": cells["boxes"],
        "bbox": cells["boxes"],
        "features": cells["features"],
    }


def write(path, columns, values, header=True, **options):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, delimiter="\t", **options)
        if header:
            writer.writerow(columns)
        writer.writerow([values[name] for name in columns])
    return path


def assert_read(index, path, expected):
    """Asserts that a table gives features, boxes and size of image 9."""
    scan, features = index(path)
    assert (scan.channels, scan.images, scan.dropped) == (CHANNELS, 1, [])
    values, boxes, size = features.read(image("9"))
    np.testing.assert_array_equal(values, expected[0])
    np.testing.assert_array_equal(boxes, expected[1])
    assert values.dtype == boxes.dtype == "float32"
    assert size == (48, 64)


@pytest.mark.parametrize("columns", [SIX, TEN, MIXED, SIX[::-1]])
def test_columns_are_read_by_the_names_of_the_header(
    index, tmp_path, regions, columns
):
    path = write(tmp_path / "a.tsv", columns, cells(regions))
    assert_read(index, path, regions)


@pytest.mark.parametrize("columns", [SIX, TEN])
def test_columns_without_a_header_are_known_by_their_number(
    index, tmp_path, regions, columns
):
    path = write(tmp_path / "a.tsv", columns, cells(regions), header=False)
    assert_read(index, path, regions)


def test_a_size_is_optional_in_a_header(index, tmp_path, regions):
    columns = ("img_id", "num_boxes", "boxes", "features")
    path = write(tmp_path / "a.tsv", columns, cells(regions))
    assert index(path)[1].read(image("9"))[2] is None


def test_ten_columns_must_have_a_value_per_object(index, regions):
    values = cells(regions) | {"attrs_id": column(range(REGIONS + 1))}
    line = "\t".join(values[name] for name in TEN)
    _, features = index(line + "\n", row("1"))
    assert reason(features, image("9")) == "damaged_row"


@pytest.mark.parametrize("lacking", ["boxes", "num_boxes", "image_id"])
def test_a_header_that_lacks_a_column_is_refused(
    index, tmp_path, regions, lacking
):
    columns = [name for name in SIX if name != lacking]
    values = cells(regions)
    if lacking == "boxes":
        columns.append("bboxes")
        columns.append("bbox")  # two are refused too
        values["bboxes"] = values["boxes"]
    path = write(tmp_path / "a.tsv", columns, values)
    with pytest.raises(UserError, match=f"must have one column of {lacking}"):
        index(path)


def test_a_second_header_counts_from_its_line(index, tmp_path, regions):
    first = write(tmp_path / "a.tsv", SIX, cells(regions)).read_text()
    values = cells(regions) | {"img_id": "10"}
    second = write(tmp_path / "b.tsv", TEN, values).read_text()
    _, features = index(first + second)
    for image_id in ("9", "10"):
        read = features.read(image(image_id))
        np.testing.assert_array_equal(read.features, regions[0])
        assert read.image_size == (48, 64)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
@pytest.mark.parametrize("boxes", ["<f2", "<f4", "<f8"])
def test_the_dtype_of_features_and_boxes_is_told_apart(
    index, tmp_path, regions, dtype, boxes
):
    values = cells(regions, dtype, boxes)
    path = write(tmp_path / "a.tsv", SIX, values, header=False)
    rounded = regions[0].astype(dtype).astype("<f4")
    assert_read(index, path, (rounded, regions[1].astype(boxes).astype("<f4")))


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
@pytest.mark.parametrize(
    "values", ["uniform", "relu", "sparse", "halves", "int"]
)
def test_the_bits_of_a_hundred_values_tell_their_dtype(dtype, values):
    for seed in range(50):
        rng = np.random.default_rng(seed)
        drawn = rng.normal(size=(4, 25))
        array = {
            "uniform": rng.random((4, 25)),
            "relu": np.maximum(drawn, 0),
            "sparse": np.where(rng.random((4, 25)) < 0.2, abs(drawn), 0),
            "halves": drawn.astype("<f2"),
            "int": rng.integers(0, 256, (4, 25)),
        }[values].astype(dtype)
        read = region_payload.features_of(array.tobytes(), 4, None)
        np.testing.assert_array_equal(read, array)


def test_an_ambiguous_dtype_is_refused_unless_rows_before_tell(index):
    value = np.float32([[1.2345678]])
    few = row("1", regions="1", boxes=4, features=column(value))
    _, features = index(few, row("2"))
    assert reason(features, image("1")) == "ambiguous_dtype"
    many = row("2", regions="9", boxes=36, features=column(range(9)))
    _, features = index(many, few)
    np.testing.assert_array_equal(features.read(image("1")).features, value)


@pytest.mark.parametrize("regions", ["1", "4"])
def test_float32_boxes_of_another_number_are_no_other_dtype(index, regions):
    _, features = index(row("1"), row("7", regions=regions))
    assert reason(features, image("7")) == "wrong_num_boxes"


def in_bytes(values, dtype):
    return str(column(values, dtype).encode())


def in_lines(values, dtype):
    return str(base64.encodebytes(np.asarray(values, dtype).tobytes()))


@pytest.mark.parametrize("encode", [in_bytes, in_lines])
def test_bytes_as_python_3_prints_them_are_read(
    index, tmp_path, regions, encode
):
    values = cells(regions, encode=encode) | {"image_id": "b'9'"}
    path = write(tmp_path / "a.tsv", SIX, values)
    assert values["boxes"].startswith("b'")
    assert_read(index, path, regions)


@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", [True, False])
def test_quotes_and_line_ends_are_no_part_of_cells(
    index, tmp_path, regions, quoting, end, header
):
    path = write(
        tmp_path / "a.tsv",
        SIX,
        cells(regions),
        header,
        quoting=quoting,
        lineterminator=end,
    )
    assert_read(index, path, regions)


def test_a_byte_order_mark_is_no_part_of_the_header(index, tmp_path, regions):
    path = write(tmp_path / "a.tsv", SIX, cells(regions))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert_read(index, path, regions)


@pytest.mark.parametrize(
    ("start", "hint"),
    [
        (b"\x89HDF\r\n\x1a\n", "examples/hdf5_region_features.py"),
        (b"PK\x03\x04", "zip"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x93NUMPY", "folder"),
    ],
)
def test_a_file_of_another_kind_is_named(index, tmp_path, start, hint):
    (tmp_path / "a").write_bytes(start)
    with pytest.raises(UserError, match=f"must be a table of .*{hint}"):
        index(tmp_path / "a")
