"""Files of region features in published forms give the same regions."""

import os
import pickle

import numpy as np
import pytest

from tests.fixtures.region_files import image
from tests.fixtures.region_files import reason
from vqa_keras.errors import UserError
from vqa_keras.writing.region_arrays import UnreadableFeatures
from vqa_keras.writing.region_arrays import read_npz

# Three regions of four channels, and their boxes.
FEATURES = np.float32([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]])
BOXES = np.float32([[0, 1, 20, 30], [2, 3, 40, 41], [4, 5, 60, 45]])
SIZE = {"image_w": 64, "image_h": 48}
INFO = {"bbox": BOXES, "num_boxes": 3, "image_width": 64, "image_height": 48}


def padded(array, rows=5):
    return np.pad(array, ((0, rows - len(array)), (0, 0)))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "features"
    folder.mkdir()
    return folder


def assert_read(index, folder, size=(48, 64), width=4):
    scan, features = index(folder)
    assert (scan.channels, scan.images, scan.dropped) == (width, 1, [])
    values, boxes, found = features.read(image("9"))
    np.testing.assert_array_equal(values, FEATURES)
    np.testing.assert_array_equal(boxes, BOXES)
    assert values.dtype == boxes.dtype == "float32"
    assert found == size


@pytest.mark.parametrize(
    "arrays",
    [
        {"features": FEATURES, "boxes": BOXES},
        {"x": FEATURES.T.copy(), "bbox": BOXES, "num_bbox": 3},
        {"x": np.asfortranarray(FEATURES), "bbox": BOXES.astype("float64")},
        {"x": FEATURES, "bbox": BOXES, "info": np.array({"objects": [1]})},
        {
            "features": FEATURES.astype("float16"),
            "boxes": BOXES.astype("int32"),
        },
        {"x": padded(FEATURES), "bbox": padded(BOXES), "num_bbox": 3},
        {"x": padded(FEATURES).T, "bbox": padded(BOXES), "num_bbox": [3]},
        {"x": padded(FEATURES), "bbox": BOXES},
        {"x": padded(FEATURES).T, "bbox": BOXES, "num_boxes": np.float32(3)},
        {"x": FEATURES, "bbox": padded(BOXES), "num_boxes": 3},
        {"features": FEATURES, "x": FEATURES, "bbox": BOXES},
    ],
)
def test_an_npz_file_gives_one_row_per_box(index, folder, arrays):
    np.savez(folder / "9.npz", **arrays, **SIZE)
    assert_read(index, folder)


def test_nan_in_padding_has_no_influence(index, folder):
    boxes = padded(BOXES)
    boxes[3:] = np.nan
    np.savez(folder / "9.npz", x=padded(FEATURES), bbox=boxes, num_bbox=3)
    assert_read(index, folder, size=None)


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"features": FEATURES, "num_boxes": 3}, "missing_arrays"),
        ({"bbox": BOXES}, "missing_arrays"),
        ({"x": FEATURES[:, :3], "bbox": BOXES}, "ambiguous_shape"),
        ({"x": FEATURES, "bbox": BOXES[:2]}, "wrong_shape"),
        ({"x": FEATURES, "bbox": BOXES.T}, "wrong_shape"),
        ({"x": FEATURES[None], "bbox": BOXES}, "wrong_shape"),
        ({"x": FEATURES, "bbox": BOXES, "num_bbox": 4}, "wrong_num_boxes"),
        ({"x": FEATURES, "bbox": BOXES, "num_bbox": 0}, "wrong_num_boxes"),
        ({"x": FEATURES, "bbox": BOXES, "features": BOXES}, "ambiguous_arrays"),
        ({"x": FEATURES + np.nan, "bbox": BOXES}, "not_finite"),
        ({"x": np.full((3, 4), 1e300), "bbox": BOXES}, "not_finite"),
        ({"x": FEATURES.astype(str), "bbox": BOXES}, "wrong_dtype"),
        ({"x": FEATURES.astype("complex"), "bbox": BOXES}, "wrong_dtype"),
    ],
)
def test_arrays_that_can_be_misread_are_refused(
    index, folder, arrays, expected
):
    np.savez(folder / "9.npz", features=FEATURES, boxes=BOXES)
    np.savez(folder / "bad.npz", **arrays)
    _, features = index(folder)
    assert reason(features, image("bad")) == expected


@pytest.mark.parametrize("protocol", range(5))
def test_npy_features_have_their_boxes_in_the_info(index, folder, protocol):
    np.save(folder / "9.npy", FEATURES)
    info = INFO | {
        "objects": np.arange(3),
        "cls_prob": np.ones((3, 2), "float32"),
        "num_boxes": np.int64(3),
    }
    with open(folder / "9_info.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|O", "fortran_order": False, "shape": ()}
        )
        pickle.dump(np.array(info), file, protocol)
    assert_read(index, folder)


def test_npy_files_of_a_dict_and_of_columns_are_read(index, folder):
    np.save(folder / "9.npy", {"image_feat": FEATURES, **INFO, "boxes": BOXES})
    assert_read(index, folder)
    np.save(folder / "9.npy", FEATURES.T.copy())
    np.save(folder / "9_info.npy", INFO)
    assert_read(index, folder)


def test_the_hash_covers_the_info(index, folder):
    np.save(folder / "9.npy", FEATURES)
    np.save(folder / "9_info.npy", INFO)
    before = index(folder)[0].sha256
    np.save(folder / "9_info.npy", INFO | {"image_width": 65})
    assert index(folder)[0].sha256 != before


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("executed",)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (FEATURES, "missing_arrays"),
        ({"bbox": Hostile()}, "pickled_objects"),
        ({"bbox": np.array([[{}]])}, "wrong_dtype"),
        ({"bbox": BOXES.tolist()}, "wrong_dtype"),
        ({"bbox": "text"}, "wrong_dtype"),
        ({"objects": [1]}, "missing_arrays"),
    ],
)
def test_an_info_of_anything_but_arrays_is_refused(
    index, folder, content, expected, monkeypatch
):
    monkeypatch.chdir(folder)
    np.savez(folder / "9.npz", features=FEATURES, boxes=BOXES)
    np.save(folder / "bad.npy", FEATURES)
    np.save(folder / "bad_info.npy", np.array(content))
    _, features = index(folder)
    assert reason(features, image("bad")) == expected
    assert not (folder / "executed").exists()


@pytest.mark.parametrize("length", [0, 7, 40, 100, 170])
def test_a_truncated_npy_file_is_damaged(index, folder, length):
    np.savez(folder / "9.npz", features=FEATURES, boxes=BOXES)
    np.save(folder / "bad.npy", FEATURES)
    np.save(folder / "bad_info.npy", INFO)
    content = (folder / "bad.npy").read_bytes()
    (folder / "bad.npy").write_bytes(content[:length])
    _, features = index(folder)
    assert reason(features, image("bad")) == "damaged_file"


def test_no_flipped_bit_of_an_npz_file_changes_its_regions(folder):
    path = folder / "9.npz"
    np.savez(path, features=FEATURES, boxes=BOXES, **SIZE)
    content, expected = path.read_bytes(), read_npz(path)
    refused = 0
    for bit in range(0, 8 * len(content), 3):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            found = read_npz(path)
        except UnreadableFeatures:
            refused += 1
            continue
        for a, b in zip(expected, found, strict=True):
            np.testing.assert_array_equal(a, b, f"bit {bit}")
    assert refused > len(content)


def test_a_header_of_a_huge_shape_takes_no_memory(index, folder):
    np.savez(folder / "9.npz", features=FEATURES, boxes=BOXES)
    with open(folder / "bad.npy", "wb") as file:
        header = {"shape": (2**50, 4), "fortran_order": False, "descr": "<f4"}
        np.lib.format.write_array_header_1_0(file, header)
    assert reason(index(folder)[1], image("bad")) == "damaged_file"


def test_files_of_two_widths_are_named(index, folder):
    np.savez(folder / "a.npz", x=FEATURES, bbox=BOXES)
    np.savez(folder / "b.npz", x=np.ones((3, 5)), bbox=BOXES)
    with pytest.raises(UserError, match=r"b\.npz .* 4 features.*a\.npz .* 5$"):
        index(folder)
