"""Records of official files, jsonl, region features and drawings."""

import json
import pathlib
import runpy

import numpy as np
import pytest

from vqa_keras.data import load
from vqa_keras.errors import UserError
from vqa_keras.writing.feature_source import FeatureSource

pytestmark = pytest.mark.beam

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "make_vqa_v2.py"
NO_CNN = {"image_encoder": "none"}


@pytest.fixture
def official(tmp_path):
    """VQA v2 of 12 drawings (8, 2 and 2), and the same set as jsonl."""
    runpy.run_path(str(EXAMPLE))["main"]([str(tmp_path / "vqa"), "12"])
    return tmp_path / "vqa"


def shards(written):
    return {
        shard.name: written.files.path(shard.name).read_bytes()
        for split in written.info.splits.values()
        for shard in split.shards
    }


def test_official_files_and_jsonl_give_equal_records(write, official, tmp_path):
    sets = [
        write(tmp_path / name, dataset=name, input_folder=official)
        for name in ("vqa_v2", "jsonl")
    ]
    assert shards(sets[0]) == shards(sets[1])
    splits = sets[0].info.splits
    assert splits == sets[1].info.splits
    assert {name: split.questions for name, split in splits.items()} == {
        "train": 48,
        "validation": 12,
        "test": 12,
    }


def test_questions_of_a_missing_image_are_dropped_with_it(
    write, official, tmp_path
):
    missing = official / "train2014" / "COCO_train2014_000000000005.jpg"
    missing.unlink()
    written = write(
        tmp_path / "records",
        dataset="jsonl",
        input_folder=official,
        features=NO_CNN,
        allow_dropped=True,
    )
    assert written.info.dropped == {"missing_file": 1}
    (line,) = (
        written.files.path(written.info.dropped_file).read_text().splitlines()
    )
    item = json.loads(line)
    assert item["id"] == "5"
    assert item["question_ids"] == [str(5000 + i) for i in range(6)]


def test_region_features_replace_a_cnn(write, official, tmp_path):
    folder = tmp_path / "features"
    folder.mkdir()
    for image_id in range(1, 13):
        regions = 10 + image_id % 3
        np.savez(
            folder / f"{image_id}.npz",
            features=np.full((regions, 4), image_id, "float32"),
            boxes=np.tile(np.float32([1, 2, 11, 12]), (regions, 1)),
        )
    written = write(
        tmp_path / "records",
        dataset="vqa_v2",
        input_folder=official,
        features={
            "image_encoder": None,
            "region_features": [str(folder)],
            "feature_dtype": "bfloat16",
        },
        store_images=False,
    )
    assert written.info.features.levels == {"regions": (None, 4)}
    (inputs, _), *_ = load(tmp_path / "records", "train", 64)
    assert inputs["regions"].dtype.name == "bfloat16"
    assert inputs["regions"].shape == (48, 12, 4)
    assert set(inputs["regions_mask"].numpy().sum(1)) <= {10, 11, 12}


def test_sort_of_clevr_is_drawn_by_the_workers(write, tmp_path):
    arguments = {"train_images": 3, "validation_images": 1, "test_images": 1}
    written = write(
        tmp_path / "records",
        dataset="sort_of_clevr",
        input_folder=None,
        validation_fraction=None,
        features=NO_CNN,
        **arguments,
    )
    assert {n: s.questions for n, s in written.info.splits.items()} == {
        "train": 60,
        "validation": 20,
        "test": 20,
    }
    record = next(written.images("test"))
    assert record.image_size == (75, 75)
    assert all(q.object_boxes for q in record.questions)


def test_flags_without_effect_are_refused(write, tmp_path):
    with pytest.raises(UserError, match="--num_objects"):
        write(tmp_path / "records", num_objects=3)
    with pytest.raises(UserError, match="--levels must be used with a CNN"):
        FeatureSource(image_encoder="none", levels=["a"]).check(True)
    with pytest.raises(UserError, match="Received: both"):
        FeatureSource(image_encoder="ResNet50", region_features=["a"])
