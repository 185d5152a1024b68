"""Features belong to the image that their name means, or to none."""

import numpy as np
import pytest

from tests.fixtures.region_files import column
from tests.fixtures.region_files import image
from tests.fixtures.region_files import reason
from tests.fixtures.region_files import row
from vqa_keras.errors import UserError
from vqa_keras.writing.region_names import number_of

COCO = "COCO_train2014_000000000009"
NINE = image("9", f"train2014/{COCO}.jpg")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (COCO, "9"),
        ("000000000009", "9"),
        ("0", "0"),
        ("9_features", "9"),
        ("photo-12.v", "12"),
        ("train2014", None),
        ("COCO_train2014_000000000009_v2", "9"),
        ("2015_04_09", None),
        ("dog", None),
    ],
)
def test_a_number_stands_by_itself(name, number):
    assert number_of(name) == number


@pytest.mark.parametrize(
    "name",
    [
        "9",
        "000000000009",
        "0009",
        COCO,
        f"{COCO}.jpg",
        f"{COCO}.JPEG",
        "COCO_train2014_9",
        "000000000009_features",
        f"{COCO}_features",
        f"resnet_{COCO}",
        "9.png",
    ],
)
@pytest.mark.parametrize("form", ["row", "file"])
def test_features_are_matched_up_to_zeros_prefix_and_suffix(
    index, tmp_path, name, form
):
    content = row(name)
    if form == "file":
        content = tmp_path / "features"
        content.mkdir()
        boxes = np.arange(8).reshape(2, 4)
        values = np.float32([[0, 1, 2], [3, 4, 5]])
        np.savez(content / f"{name}.npz", features=values, boxes=boxes)
    _, features = index(content)
    assert features.read(NINE).features.tolist() == [[0, 1, 2], [3, 4, 5]]
    for other in ("99", "90", "2014"):
        missing = image(other, f"train2014/COCO_train2014_{other:0>12}.jpg")
        assert reason(features, missing) == "missing_features"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("CLEVR_val_000001", image("1", "train/CLEVR_train_000001.png")),
        ("val_1", image("1", "train/1.png")),
        ("scan_1", image("1", "photo_1.jpg")),
        ("set_1_2", image("2", "2.jpg")),
        ("dog", image("1", "cat.jpg")),
    ],
)
def test_features_of_another_image_are_not_taken(index, name, other):
    assert reason(index(row(name))[1], other) == "missing_features"


@pytest.mark.parametrize(
    "names",
    [
        ("9", "000000000009"),
        ("9", COCO),
        ("COCO_train2014_9", COCO),
        ("9_a", "9_b"),
    ],
)
def test_two_rows_of_one_image_are_both_named(index, names):
    rows = [
        row(name, features=n) for name, n in zip(names, (6, 6), strict=True)
    ]
    _, features = index(*rows)
    with pytest.raises(UserError) as error:
        features.read(NINE)
    for part in ("Image 9 ", "regions.tsv:1", "regions.tsv:2"):
        assert part in str(error.value)


def test_the_name_of_the_image_precedes_one_with_an_affix(index):
    other = row(f"{COCO}_old", features=column([9] * 6))
    _, features = index(other, row(COCO))
    assert features.read(NINE).features.tolist() == [[0, 1, 2], [3, 4, 5]]
    splits = row("CLEVR_val_000001"), row("CLEVR_train_000001", features=6)
    _, features = index(*splits)
    features.read(image("1", "train/CLEVR_train_000001.png"))
    with pytest.raises(UserError, match="tsv:2 and .*tsv:1"):
        features.read(image("1"))


def test_a_number_of_very_many_names_identifies_no_image(index):
    rows = [row(f"{name}_1") for name in map("a{}b".format, range(101))]
    _, features = index(*rows)
    assert reason(features, image("1")) == "missing_features"
    features.read(image("x", "a7b_1.jpg"))


def test_a_readable_row_precedes_a_broken_one_under_another_name(index):
    _, features = index(row("9", regions="3"), row(COCO))
    assert features.read(NINE).features.tolist() == [[0, 1, 2], [3, 4, 5]]
