"""A shard that vanishes, changes or contradicts the file is named."""

import dataclasses
import os

import pytest

from tests.fixtures.changed_info import change
from vqa_keras.data import Records
from vqa_keras.data import token_ids
from vqa_keras.errors import UserError
from vqa_keras.models import VQA
from vqa_keras.models import StackedBackbone


def flip(path, place=-60, same_time=False):
    stat = path.stat()
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    if same_time:
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def small_task():
    backbone = StackedBackbone(vocabulary_size=20, regions_dim=3, hidden_dim=4)
    task = VQA(backbone=backbone, num_classes=3)
    task.compile("sgd", "categorical_crossentropy")
    return task


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("features.dtype", "bfloat16", "float16 .4, 4, 2.. Received: bfloat16"),
        (
            "features.levels.late",
            [4, 1, 3],
            "2, 2, 3.. Received: float16 .4, 1",
        ),
        ("features.levels.late", [None, 3], "Received: float16 .None, 3"),
        (
            "features.levels",
            {"mid": [2, 2, 3]},
            "features/mid .*tfrecord, none. R",
        ),
        ("sequence_length", 6, "train-0.tfrecord, 3. Received: 6"),
    ],
)
def test_a_file_that_contradicts_the_first_record_is_refused(
    records, field, value, message
):
    change(records, field, value)
    with pytest.raises(UserError, match=f"dataset_info.json: .*{message}"):
        Records(records)


def test_images_that_the_first_record_lacks_are_refused(write_records, images):
    images = [dataclasses.replace(image, image=None) for image in images]
    with pytest.raises(UserError, match="stored_images .*False. Received: T"):
        Records(write_records(images))


def test_a_first_record_that_cannot_be_read_is_named_as_changed(records):
    flip(records / "train-0.tfrecord", 0)
    with pytest.raises(UserError, match="train-0.tfrecord must have the cont"):
        Records(records)


@pytest.mark.parametrize(
    "name", ["train-1.tfrecord", "words.txt", "dataset_info.json"]
)
def test_a_link_that_leaves_the_folder_is_refused(records, tmp_path, name):
    outside = tmp_path / "outside"
    os.rename(records / name, outside)
    (records / name).symlink_to(outside)
    with pytest.raises(UserError, match=f"{name} must be a file in the folder"):
        assert Records(records).vocabulary
    (records / name).unlink()
    (records / name).symlink_to(name)
    with pytest.raises(UserError, match=f"{name} must be a file in the folder"):
        assert Records(records).vocabulary


def test_links_within_the_folder_and_to_it_are_followed(records, tmp_path):
    os.rename(records / "words.txt", records / "other")
    (records / "words.txt").symlink_to("other")
    (tmp_path / "link").symlink_to(records)
    assert Records(tmp_path / "link").vocabulary[2] == "what"


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_shard_that_changes_between_passes_is_named(records, shuffle):
    dataset = Records(records).load("train", 4, shuffle=shuffle)
    assert len(list(dataset)) == 8
    flip(records / "train-2.tfrecord")
    with pytest.raises(UserError, match="train-2.tfrecord must have the cont"):
        list(dataset)
    (records / "train-2.tfrecord").unlink()
    with pytest.raises(UserError, match="train-2.tfrecord is missing"):
        list(dataset.as_numpy_iterator())


@pytest.mark.parametrize("share_images", [True, False])
def test_a_shard_with_damage_of_an_unchanged_time_is_named(
    records, share_images
):
    opened = Records(records)
    dataset = opened.load("train", 4, share_images=share_images)
    flip(records / "train-2.tfrecord", same_time=True)
    for read in (
        lambda: list(dataset),
        lambda: list(opened.images("train")),
        lambda: token_ids(opened, "train"),
        lambda: opened.steps("train", 4, shard=(0, 2)),
        lambda: small_task().fit(dataset, verbose=0),
        lambda: small_task().evaluate(dataset, verbose=0),
    ):
        with pytest.raises(UserError, match="train-2.tfrecord must have the"):
            read()


def test_a_shard_that_vanishes_in_fit_is_named(records):
    task, dataset = small_task(), Records(records).load("train", 4)
    task.fit(dataset, epochs=2, verbose=0)
    (records / "train-1.tfrecord").unlink()
    with pytest.raises(UserError, match="train-1.tfrecord is missing"):
        task.fit(dataset, verbose=0)


def test_a_changed_list_of_what_was_dropped_is_named(write_records, images):
    folder = write_records(
        images,
        dropped={"truncated": 1},
        dropped_file="dropped.jsonl",
        dropped_sha256="a" * 64,
    )
    with pytest.raises(UserError, match="dropped.jsonl .*no such file"):
        Records(folder).files.dropped()
    (folder / "dropped.jsonl").write_text("{}\n")
    with pytest.raises(UserError, match="dropped.jsonl must have the content"):
        Records(folder).files.dropped()
