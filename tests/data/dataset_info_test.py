import dataclasses
import json
import shlex

import pytest

from tests.fixtures.changed_info import change
from vqa_keras.data import DatasetInfo
from vqa_keras.data import Records
from vqa_keras.data.dataset_info import FILE
from vqa_keras.data.record_files import RecordFiles
from vqa_keras.data.splits import Split
from vqa_keras.errors import UserError


def test_comes_back_as_it_was_written(records):
    info = DatasetInfo.read(records)
    before = (records / FILE).read_bytes()
    info.write(records)
    assert DatasetInfo.read(records) == info
    assert (records / FILE).read_bytes() == before


def test_counts_are_sums_over_the_shards(records):
    train = DatasetInfo.read(records).splits["train"]
    assert (train.images, train.questions) == (10, 30)
    assert [shard.images for shard in train.shards] == [4, 1, 5]
    assert train.in_vocabulary == 22
    assert train.bytes == sum(
        path.stat().st_size for path in records.glob("*.tfrecord")
    )


def test_the_order_of_levels_is_kept(records):
    info = DatasetInfo.read(records)
    assert list(info.features.levels) == ["early", "late"]
    levels = {"z": (4, 4, 2), "a": (2, 2, 3)}
    features = dataclasses.replace(info.features, levels=levels)
    dataclasses.replace(info, features=features).write(records)
    assert list(DatasetInfo.read(records).features.levels) == ["z", "a"]


def test_reads_both_vocabularies(records):
    files = RecordFiles.open(records)
    assert files.question_words() == ["[PAD]", "[UNK]", "what"]
    assert files.answers() == ["yes", "no", "red"]


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere, which is no folder"):
        DatasetInfo.read(tmp_path / "nowhere")


def test_unfinished_folder_is_named(records):
    (records / FILE).unlink()
    with pytest.raises(UserError, match="dataset_info.json is missing.*again"):
        DatasetInfo.read(records)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\u00ff", "7"])
def test_text_that_is_no_dataset_info_is_named(records, text):
    (records / FILE).write_text(text, encoding="latin1")
    with pytest.raises(UserError, match="dataset_info.json.* Received: "):
        DatasetInfo.read(records)


@pytest.mark.parametrize("version", [1, 4, "3", "2", True, 3.0, None, [3], {}])
def test_another_schema_version_is_refused_with_the_command(records, version):
    change(records, "schema_version", version)
    with pytest.raises(UserError, match="must be 3, or 2 of") as caught:
        DatasetInfo.read(records)
    message = str(caught.value)
    assert message.startswith(f"{records / FILE}: `schema_version`")
    assert f"Received: {version!r}. Write the records again" in message
    command = f"pipelines.write_records --output={records} --overwrite"
    assert message.endswith(f"python -m {command}")
    assert "\n" not in message


def test_a_folder_with_a_space_is_quoted_in_the_command(records):
    folder = records.rename(records.with_name("my records"))
    change(folder, "schema_version", 1)
    with pytest.raises(UserError) as caught:
        DatasetInfo.read(folder)
    *_, output, overwrite = shlex.split(str(caught.value))
    assert (output, overwrite) == (f"--output={folder}", "--overwrite")


def test_a_changed_file_is_refused_in_one_line(records):
    change(records, "dataset", "other", new_hash=False)
    match = "the file must be as it was written, sha256 [0-9a-f]{64}. Received"
    with pytest.raises(UserError, match=match) as caught:
        DatasetInfo.read(records)
    assert str(caught.value).endswith("--overwrite")
    assert "\n" not in str(caught.value)


def test_levels_in_another_order_are_a_changed_file(records):
    levels = {"late": [2, 2, 3], "early": [4, 4, 2]}
    change(records, "features.levels", levels, new_hash=False)
    with pytest.raises(UserError, match="must be as it was written"):
        DatasetInfo.read(records)


def test_the_layout_of_the_text_does_not_matter(records):
    info = DatasetInfo.read(records)
    path = records / FILE
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert DatasetInfo.read(records) == info


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("splits.train.questions", 31, "sum over the shards, 30. Received: 31"),
        ("splits.train.images", 9, "sum over the shards, 10. Received: 9"),
        ("splits.train.shards.0.in_vocabulary", 7, "at most 6. Received: 7"),
        ("splits.train.shards.0.images", 0, "0, as there is no image"),
        ("splits.train.shards.0.bytes", -1, "integer of at least 0"),
        ("splits.train.shards.0.name", "../x", "a plain file name. Received"),
        ("splits.train.shards.0.name", "train-1.tfrecord", "must be unique"),
        ("features.source", "files", "null for features from files. Received"),
        ("features.levels", {}, "a level or more. Received: {}"),
        ("features.levels.late", [2, None, 3], "integer of at least 1"),
        ("arguments", {"seed": {}}, r"`arguments\['seed'\]` must be a text"),
        ("a field of the future", 1, "the fields must be answer_vocab"),
    ],
)
def test_a_contradiction_is_named(records, field, value, message):
    change(records, field, value)
    with pytest.raises(UserError, match=message) as caught:
        DatasetInfo.read(records)
    assert str(caught.value).startswith(f"{records / FILE}: ")


def test_what_read_refuses_is_not_written(records):
    info = DatasetInfo.read(records)
    before = (records / FILE).read_bytes()
    (shard, *others) = info.splits["train"].shards
    shard = dataclasses.replace(shard, name="sub/folder")
    wrong = dataclasses.replace(info, splits={"train": Split.of([shard])})
    with pytest.raises(UserError, match="must be a plain file name"):
        wrong.write(records)
    assert (records / FILE).read_bytes() == before


def test_missing_shard_is_named(records):
    (records / "train-1.tfrecord").unlink()
    with pytest.raises(UserError, match="train-1.tfrecord is missing"):
        Records(records)


def test_truncated_shard_is_named(records):
    path = records / "train-2.tfrecord"
    content = path.read_bytes()
    path.write_bytes(content[:-7])
    match = f"train-2.tfrecord must have {len(content)} bytes. Received: "
    with pytest.raises(UserError, match=match + str(len(content) - 7)):
        Records(records)


def test_flipped_bit_is_found_with_both_checksums(records):
    files = RecordFiles.open(records)
    files.verify()
    path = records / "train-0.tfrecord"
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    expected = files.split("train").shards[0].sha256
    match = f"train-0.tfrecord.*sha256 {expected}. Received: [0-9a-f]{{64}}"
    with pytest.raises(UserError, match=match):
        files.verify("train")


def test_a_shard_is_hashed_once_per_process(records, monkeypatch):
    files = RecordFiles.open(records)
    files.verify()
    monkeypatch.setattr("vqa_keras.files.file_sha256", None)
    files.verify()


def test_changed_vocabulary_is_named(records):
    (records / "answers.txt").write_text("no\nyes\nred\n")
    files = RecordFiles.open(records)
    with pytest.raises(UserError, match="answers.txt must have the content"):
        files.answers()
    (records / "words.txt").unlink()
    with pytest.raises(UserError, match="words.txt must be .*no such file"):
        files.question_words()


def test_unknown_split_lists_the_known_ones(records):
    with pytest.raises(UserError, match="train, empty. Received: dev"):
        RecordFiles.open(records).split("dev")


def test_records_of_another_cnn_are_refused(records):
    files = RecordFiles.open(records)
    files.check_features("a" * 64)
    match = f"dataset_info.json.*{'b' * 64}. Received: small_cnn, {'a' * 64}"
    with pytest.raises(UserError, match=match):
        files.check_features("b" * 64)


def test_records_without_a_cnn_are_not_those_of_one(write_records, images):
    files = RecordFiles.open(write_records(images, features=None))
    with pytest.raises(UserError, match="records must be with features"):
        files.check_features("a" * 64)
