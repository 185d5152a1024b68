import hashlib
import io
import pathlib
import resource
import shutil
import struct
import zipfile

import numpy as np
import pytest

from tests.fixtures.region_files import column
from tests.fixtures.region_files import image
from tests.fixtures.region_files import reason
from tests.fixtures.region_files import row
from vqa_keras.errors import UserError
from vqa_keras.writing import region_arrays
from vqa_keras.writing import region_index
from vqa_keras.writing.region_entries import DroppedRow
from vqa_keras.writing.regions import UnreadableFeatures

DATA = pathlib.Path(__file__).parents[1] / "testdata" / "region_features"
TSV = DATA / "regions.tsv"
NPZ = DATA / "npz"


@pytest.mark.parametrize("path", [TSV, NPZ], ids=["tsv", "npz"])
def test_every_image_has_the_regions_of_its_file(index, path):
    scan, features = index(path)
    assert (scan.channels, scan.images) == (4, 3)
    assert scan.dropped == []
    for image_id, regions in (("9", 10), ("25", 12), ("30", 11)):
        file = f"train2014/COCO_train2014_{int(image_id):012d}.jpg"
        values, boxes, size = features.read(image(image_id, file))
        expected = np.arange(regions)[:, None] + np.arange(4) / 4
        np.testing.assert_array_equal(values, int(image_id) + expected)
        assert boxes.shape == (regions, 4)
        assert boxes[3].tolist() == [3, 6, 23, 36]
        assert size == (48, 64)
        assert values.dtype == boxes.dtype == "float32"
    assert reason(features, image("8", "9.x/8.jpg")) == "missing_features"


def test_the_hash_is_that_of_the_content(index, tmp_path):
    content = hashlib.sha256(TSV.read_bytes()).hexdigest()
    expected = hashlib.sha256(f"{content}\n".encode()).hexdigest()
    assert index(TSV)[0].sha256 == expected
    shutil.copytree(NPZ, tmp_path / "copy")
    assert index(NPZ)[0].sha256 == index(tmp_path / "copy")[0].sha256


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ("7\t64\t48\t2\tAAAA\n", "truncated_row"),
        (row("7", features=5), "truncated_row"),
        (row("7")[:-4], "truncated_row"),
        (row("7", features=4)[:-1], "truncated_row"),
        (row("7")[:-1] + "\t9\n", "damaged_row"),
        (row("7", regions="3"), "wrong_num_boxes"),
        (row("7", regions="0"), "wrong_num_boxes"),
        (row("7", regions="-2"), "wrong_num_boxes"),
        (row("7", size=("64", "tall")), "wrong_image_size"),
        (row("7", features="?" * 32), "damaged_base64"),
        (row("7", features=column([np.nan] * 6)), "not_finite"),
        (row("7", boxes=column([np.inf] * 8)), "not_finite"),
    ],
)
def test_reading_an_image_raises_the_reason_of_its_row(index, bad, expected):
    scan, features = index(row("1"), bad)
    assert (scan.images, scan.dropped) == (1, [])
    assert reason(features, image("7")) == expected
    assert features.read(image("1"))[0].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_rows_of_no_image_are_dropped(index, tmp_path):
    rows = row("1"), "\n", row("1", features=3 * 2), row(""), row("2"), "12"
    scan, features = index(*rows)
    path = tmp_path / "regions.tsv"
    assert scan.dropped == [
        DroppedRow(f"{path}:3", "duplicate_image_id", "1"),
        DroppedRow(f"{path}:4", "no_image_id"),
        DroppedRow(f"{path}:6", "no_image_id"),
    ]
    assert reason(features, image("12")) == "missing_features"


def test_a_header_and_an_overlong_row_are_skipped(index, monkeypatch):
    monkeypatch.setattr(region_index, "MAX_BYTES", 4000)
    header = "image_id\timage_w\timage_h\tnum_boxes\tboxes\tfeatures\n"
    long = row("5", features="A" * 2**21)
    scan, features = index(header, long, row("6"))
    assert (scan.images, scan.dropped) == (1, [])
    assert reason(features, image("5")) == "too_large"
    assert features.read(image("6"))[2] == (48, 64)


def test_an_error_of_unequal_width_names_both_rows(index):
    with pytest.raises(UserError) as error:
        index(row("1"), row("2"), row("3", features=8))
    for part in ("regions.tsv:3 (image 3)", "regions.tsv:1 (image 1)", "4"):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"features": np.ones((2, 3))}, "missing_arrays"),
        (
            {"features": np.ones((3, 5)), "boxes": np.ones((2, 4))},
            "wrong_shape",
        ),
        (
            {"x": np.array([[{}]]), "bbox": np.ones((1, 4))},
            "damaged_file",
        ),
        (
            {
                "x": np.ones((1, 3)),
                "bbox": np.ones((1, 4)),
                "image_size": [0, 5],
            },
            "wrong_image_size",
        ),
        (
            {
                "features": np.ones((1, 1001), "bool"),
                "boxes": np.ones((1, 4)),
            },
            "too_large",
        ),
        (b"PK\x03\x04 not a zip", "damaged_file"),
        (b"", "damaged_file"),
    ],
)
def test_reading_an_image_raises_the_reason_of_its_file(
    index, tmp_path, arrays, expected, monkeypatch
):
    monkeypatch.setattr(region_arrays, "MAX_BYTES", 4000)
    folder = tmp_path / "npz"
    folder.mkdir()
    np.savez(folder / "good.npz", features=[[1.0, 2, 3]], boxes=[[0, 1, 2, 3]])
    if isinstance(arrays, bytes):
        (folder / "bad.npz").write_bytes(arrays)
    else:
        np.savez_compressed(folder / "bad.npz", **arrays)
    scan, features = index(folder)
    assert scan.images == 1
    assert reason(features, image("x", "a/bad.jpg")) == expected
    values, boxes, size = features.read(image("good"))
    assert values.tolist() == [[1, 2, 3]] and boxes.tolist() == [[0, 1, 2, 3]]
    assert size is None


def archive(path, header_shape, numbers, declared=None):
    """Writes an .npz file of features whose header or size may be false."""
    file = io.BytesIO()
    header = {"shape": header_shape, "fortran_order": False, "descr": "<f4"}
    np.lib.format.write_array_header_1_0(file, header)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
        with z.open("features.npy", "w") as member:
            member.write(file.getvalue())
            for first in range(0, numbers, 2**18):  # a megabyte each
                member.write(bytes(4 * min(2**18, numbers - first)))
    if declared is not None:
        size = struct.pack("<I", len(file.getvalue()) + 4 * numbers)
        data = path.read_bytes().replace(size, struct.pack("<I", declared))
        path.write_bytes(data)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (((2**34, 1), 8), "damaged_file"),  # 64 GB, of which 32 bytes are there
        (((2**50, 4), 8), "damaged_file"),
        (((2**26, 4), 2**28), "too_large"),  # 1 GB of zeros, 5 MB packed
        (((2**26, 4), 2**28, 200), "damaged_file"),  # declared as 200 bytes
    ],
)
def test_a_hostile_file_takes_little_memory(tmp_path, content, expected):
    archive(tmp_path / "a.npz", *content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnreadableFeatures, match=expected):
        region_arrays.read_npz(tmp_path / "a.npz")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 100 * 2**10  # kilobytes


def test_a_member_other_than_an_array_is_a_damaged_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("features", b"text")
    with pytest.raises(UnreadableFeatures, match="damaged_file"):
        region_arrays.read_npz(tmp_path / "a.npz")


def test_a_file_that_changed_since_the_scan_is_refused(index, tmp_path):
    _, features = index(row("1"), row("2"))
    content = row("2") + row("1")
    (tmp_path / "regions.tsv").write_text(content, newline="")
    with pytest.raises(UserError, match="has changed while it was in use"):
        features.read(image("1"))


def test_paths_without_any_features_are_refused(index, tmp_path):
    with pytest.raises(UserError, match="No such file"):
        index(tmp_path / "missing.tsv")
    with pytest.raises(UserError, match="wrong_num_boxes .first .*tsv:1"):
        index(row(regions="9"))
    with pytest.raises(UserError, match="Received: none"):
        index(tmp_path)
    assert not list(tmp_path.glob(".*.tmp"))
