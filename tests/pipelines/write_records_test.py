import io
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from vqa_keras.data import DatasetInfo
from vqa_keras.data.records import decode
from vqa_keras.errors import UserError
from vqa_keras.writing.record_text import TextOptions

pytestmark = pytest.mark.beam

ROOT = pathlib.Path(__file__).parents[2]


def records(written, split):
    for shard in written.info.splits[split].shards:
        path = str(written.files.path(shard.name))
        for record in tf.data.TFRecordDataset(path):
            yield record.numpy()


def test_records_hold_the_content_of_the_data_set(write, data, tmp_path):
    written = write(tmp_path / "records")
    assert {n: s.images for n, s in written.info.splits.items()} == {
        "train": 9,
        "validation": 3,
        "test": 4,
    }
    shards = written.info.splits["train"].shards
    assert [shard.images for shard in shards] == [3, 3, 3]
    assert written.info.features.levels == {"grid": (2, 2, 6)}
    assert written.info.dropped == {}
    (image,) = [
        image
        for image in map(decode, records(written, "test"))
        if image.image_id == "test-1"
    ]
    path = data / "test" / "images" / "1.png"
    assert image.image == path.read_bytes()
    assert image.image_size == (20, 20)
    question = image.questions[0]
    assert question.question == "what color is it, number 1?"
    assert question.answer == "blue"
    assert written.answers[question.answer_id] == "blue"
    assert question.scores == {question.answer_id: 1.0}
    words = [written.vocabulary[i] for i in question.token_ids]
    assert words[:5] == ["what", "color", "is", "it", "number"]


def test_features_are_those_of_the_saved_encoder(write, tmp_path):
    written = write(tmp_path / "records")
    encoder = written.image_encoder()
    for record in records(written, "test"):
        image = decode(record)
        pixels = tf.image.resize(
            tf.io.decode_png(image.image), (16, 16), antialias=True
        )
        expected = encoder(tf.round(pixels)[None])[0]
        np.testing.assert_allclose(
            image.features["grid"], expected, rtol=2e-3, atol=2e-2
        )


def test_vocabularies_come_from_the_training_split_only(write, tmp_path):
    written = write(tmp_path / "records", text=TextOptions(min_word_count=2))
    assert "test" not in written.answers
    assert written.vocabulary[:2] == ["[PAD]", "[UNK]"]
    assert "color" in written.vocabulary
    assert "11" not in written.vocabulary
    answers = [
        q.answer_id
        for record in records(written, "test")
        for q in decode(record).questions
        if q.answer == "test"
    ]
    assert answers == [-1]


def test_several_levels_and_cut_questions(write, tmp_path):
    written = write(
        tmp_path / "records",
        features={"levels": ["low", "high"]},
        text=TextOptions(sequence_length=3),
    )
    assert list(written.info.features.levels.items()) == [
        ("low", (4, 4, 4)),
        ("high", (2, 2, 6)),
    ]
    image = decode(next(records(written, "train")))
    assert {k: v.shape for k, v in image.features.items()} == {
        "low": (4, 4, 4),
        "high": (2, 2, 6),
    }
    lengths = {len(q.token_ids) for q in image.questions}
    assert lengths == {3}
    assert written.info.cut_questions == 12 * 2 + 4 * 2 + 2


def test_images_can_be_stored_without_features(write, tmp_path):
    written = write(tmp_path / "records", features={"image_encoder": "none"})
    assert written.info.features is None
    assert decode(next(records(written, "train"))).features == {}
    with pytest.raises(UserError, match="must hold features or images"):
        write(
            tmp_path / "other",
            features={"image_encoder": "none"},
            store_images=False,
        )


@pytest.mark.slow
def test_two_worker_processes_write_equal_records(write, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    one = write(tmp_path / "one")
    two = write(
        tmp_path / "two",
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=2",
    )
    for split in ("train", "validation", "test"):
        assert set(records(one, split)) == set(records(two, split))


def test_unreadable_images_are_dropped_counted_and_listed(
    write, data, tmp_path
):
    images = data / "train" / "images"
    (images / "0.png").unlink()
    (images / "1.png").write_bytes(b"")
    (images / "2.png").write_text("only text")
    photo = io.BytesIO()
    Image.effect_noise((20, 20), 50).save(photo, "JPEG")
    (images / "3.png").write_bytes(photo.getvalue())
    with pytest.raises(UserError, match="At most 1% of the images .*: 3 of 16"):
        write(tmp_path / "records")
    with pytest.raises(UserError, match="dataset_info.json is missing"):
        DatasetInfo.read(tmp_path / "records")
    written = write(tmp_path / "records", allow_dropped=True)
    assert written.info.dropped == {
        "empty_file": 1,
        "missing_file": 1,
        "not_an_image": 1,
    }
    lines = (
        (tmp_path / "records" / written.info.dropped_file)
        .read_text()
        .splitlines()
    )
    listed = {(e["file"], e["reason"]) for e in map(json.loads, lines)}
    assert listed == {
        ("train/images/0.png", "missing_file"),
        ("train/images/1.png", "empty_file"),
        ("train/images/2.png", "not_an_image"),
    }
    kept = [
        decode(record).image_id
        for split in ("train", "validation")
        for record in records(written, split)
    ]
    assert sorted(kept) == sorted(f"train-{i}" for i in range(3, 12))


def test_unsupported_formats_and_large_images_are_counted_and_named(
    write, data, tmp_path
):
    images = data / "train" / "images"
    (images / "0.png").write_bytes(b"8BPS\0\1" + bytes(40))
    (images / "1.png").write_bytes(b"<svg/>")
    Image.new("RGB", (50, 41)).save(images / "2.png")
    Image.new("RGB", (50, 40)).save(images / "3.png")
    info = write(
        tmp_path / "records", max_megapixels=0.002, allow_dropped=True
    ).info
    assert info.dropped == {"too_large": 1, "unsupported_format": 2}
    lines = (tmp_path / "records" / info.dropped_file).read_text().splitlines()
    listed = {
        (e["file"], e["reason"], e.get("detail"))
        for e in map(json.loads, lines)
    }
    assert listed == {
        ("train/images/0.png", "unsupported_format", "Photoshop"),
        ("train/images/1.png", "unsupported_format", "SVG"),
        ("train/images/2.png", "too_large", None),
    }


def test_max_megapixels_must_be_within_the_limit_of_pillow(write, tmp_path):
    for megapixels in (0, -1, 179, float("nan")):
        with pytest.raises(UserError, match="at most 178, .*Received: "):
            write(tmp_path / "records", max_megapixels=megapixels)


@pytest.mark.slow
def test_ten_unreadable_images_of_a_thousand_are_counted_and_named(
    write, tmp_path, capsys
):
    folder = tmp_path / "photographs"
    folder.mkdir()
    rows = []
    for i in range(1000):
        Image.new("RGB", (8, 8), (i % 256, 0, 0)).save(folder / f"{i}.png")
        row = {"question_id": i, "image": f"{i}.png", "question": "what?"}
        rows.append(json.dumps({**row, "answer": "red"}))
    (folder / "train.jsonl").write_text("\n".join(rows))
    for i in range(10):
        (folder / f"{i}.png").write_text("only text")
    info = write(
        tmp_path / "records",
        dataset="jsonl",
        input_folder=folder,
        features={"image_encoder": "none"},
        images_per_shard=512,
    ).info
    assert sum(split.images for split in info.splits.values()) == 990
    printed = capsys.readouterr().out
    assert "dropped        10 not_an_image, named in dropped.jsonl\n" in printed
    lines = (tmp_path / "records" / "dropped.jsonl").read_text().splitlines()
    files = {json.loads(line)["file"] for line in lines}
    assert files == {f"{i}.png" for i in range(10)}
