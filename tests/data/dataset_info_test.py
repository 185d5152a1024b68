import json

import pytest

from vqa_keras.data import DatasetInfo
from vqa_keras.errors import UserError


def change(records, **values):
    path = records / "dataset_info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_comes_back_as_it_was_written(records, tmp_path):
    info = DatasetInfo.read(records)
    before = (records / "dataset_info.json").read_bytes()
    info.write(records)
    assert DatasetInfo.read(records) == info
    assert (records / "dataset_info.json").read_bytes() == before


def test_counts_are_sums_over_the_shards(records):
    train = DatasetInfo.read(records).split("train")
    assert (train["images"], train["questions"]) == (10, 30)
    assert [s["images"] for s in train["shards"]] == [4, 1, 5]
    assert train["in_vocabulary"] == 22


def test_reads_both_vocabularies(records):
    info = DatasetInfo.read(records)
    assert info.question_words() == ["[PAD]", "[UNK]", "what"]
    assert info.answers() == ["yes", "no", "red"]


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere, which is no folder"):
        DatasetInfo.read(tmp_path / "nowhere")


def test_unfinished_folder_is_named(records):
    (records / "dataset_info.json").unlink()
    with pytest.raises(UserError, match="dataset_info.json is missing.*again"):
        DatasetInfo.read(records)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\u00ff", "7"])
def test_text_that_is_no_dataset_info_is_named(records, text):
    (records / "dataset_info.json").write_text(text, encoding="latin1")
    with pytest.raises(UserError, match="dataset_info.json: needed a JSON"):
        DatasetInfo.read(records)


def test_other_schema_version_is_refused(records):
    change(records, schema_version=1)
    with pytest.raises(UserError, match="version 2. Received: version 1"):
        DatasetInfo.read(records)


@pytest.mark.parametrize(
    "values",
    [
        {"splits": {"train": {}}},
        {"splits": [1]},
        {"splits": {"train": {"shards": [{"name": "x"}]}}},
        {"a field of the future": 1},
    ],
)
def test_other_layout_is_refused(records, values):
    change(records, **values)
    with pytest.raises(UserError, match="dataset_info.json: needed the layout"):
        DatasetInfo.read(records)


def test_missing_shard_is_named(records):
    (records / "train-1.tfrecord").unlink()
    with pytest.raises(UserError, match="train-1.tfrecord is missing"):
        DatasetInfo.read(records)


def test_truncated_shard_is_named(records):
    path = records / "train-2.tfrecord"
    content = path.read_bytes()
    path.write_bytes(content[:-7])
    match = f"train-2.tfrecord must have {len(content)} bytes. Received: "
    with pytest.raises(UserError, match=match + str(len(content) - 7)):
        DatasetInfo.read(records)


def test_flipped_bit_is_found_with_both_checksums(records):
    info = DatasetInfo.read(records)
    info.verify()
    path = records / "train-0.tfrecord"
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    expected = info.split("train")["shards"][0]["sha256"]
    match = f"train-0.tfrecord.*sha256 {expected}. Received: [0-9a-f]{{64}}"
    with pytest.raises(UserError, match=match):
        info.verify("train")


def test_a_shard_is_hashed_once_a_process(records, monkeypatch):
    info = DatasetInfo.read(records)
    info.verify()
    monkeypatch.setattr("vqa_keras.files.file_sha256", None)
    info.verify()


def test_changed_vocabulary_is_named(records):
    (records / "answers.txt").write_text("no\nyes\nred\n")
    info = DatasetInfo.read(records)
    with pytest.raises(UserError, match="answers.txt must have the content"):
        info.answers()
    (records / "words.txt").unlink()
    with pytest.raises(UserError, match="words.txt is missing"):
        info.question_words()


def test_unknown_split_lists_the_known_ones(records):
    with pytest.raises(UserError, match="train, empty. Received: dev"):
        DatasetInfo.read(records).split("dev")


def test_records_of_another_cnn_are_refused(records):
    info = DatasetInfo.read(records)
    info.check_image_encoder("a" * 64)
    match = f"dataset_info.json.*{'b' * 64}. Received: small_cnn, {'a' * 64}"
    with pytest.raises(UserError, match=match):
        info.check_image_encoder("b" * 64)


def test_records_without_a_cnn_are_not_those_of_one(write_records, images):
    info = DatasetInfo.read(write_records(images, image_encoder=None))
    with pytest.raises(UserError, match="records with features of a CNN"):
        info.check_image_encoder("a" * 64)
