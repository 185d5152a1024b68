"""A damaged `dataset_info.json` ends in one line, whatever it holds."""

import json
import types

import pytest

from tests.fixtures.changed_info import FILE
from tests.fixtures.changed_info import change
from tests.fixtures.changed_info import changed
from tests.fixtures.changed_info import fields
from vqa_keras.data import Records
from vqa_keras.data import dataset_info
from vqa_keras.errors import UserError
from vqa_keras.files import parse_json

TEXTS = ["x", "", "../x", "/x", "..", "a\\b", "C:x", "a\0b", "n" * 300]
VALUES = [
    *(None, True, False, -1, 0, 1.5, 2**70, 1e308, "\ud800", *TEXTS),
    *([], [1], [[]], [None, 3], {}, {"a": 1}, {"": None}, {"\ud800": 1}),
]
# What a field may hold of `VALUES`; of others, nothing but what it holds.
FLAGS = [True, False]
LEGITIMATE = {
    "dataset": TEXTS,
    "splits": [{}],
    "features": [None],
    "features.name": TEXTS,
    "features.weights": [None, *TEXTS],
    "features.file": ["x"],
    "features.pool": [None],
    "features.l2_normalize": FLAGS,
    "question_vocabulary.file": ["x"],
    "answer_vocabulary.file": ["x"],
    "stored_images": FLAGS,
    "strip_accents": FLAGS,
    "dropped": [{}, {"a": 1}],
    "dropped.truncated": [0],
    "dropped_file": [None, "x"],
    "cut_questions": [0],
    "arguments": [{}, {"a": 1}, {"": None}],
    "arguments.seed": [
        *(None, *FLAGS, -1, 0, 1.5, 2**70, 1e308, *TEXTS, [], [1], [None, 3])
    ],
}


@pytest.fixture
def full(write_records, images):
    """Records with something in every field of `dataset_info.json`."""
    return write_records(
        images,
        dropped={"truncated": 2},
        dropped_file="dropped.jsonl",
        arguments={"seed": 3},
    )


def read(folder):
    """What a command does first with records."""
    records = Records(folder)
    assert records.grid_shape in (None, (2, 2))
    for split in records.info.splits:
        if split == "train":
            assert records.steps(split, 4) == 8
    return records


def is_legitimate(field, value, held):
    """Whether the field may hold the value; `True == 1`, so types count."""
    allowed = [json.dumps(v) for v in [held, *LEGITIMATE.get(field, [])]]
    return json.dumps(value) in allowed


def held_by(values, field):
    for name in field.split("."):
        values = values[int(name) if isinstance(values, list) else name]
    return values


@pytest.fixture
def file(monkeypatch):
    """An object whose `text` is read in place of the file: many are read."""
    file = types.SimpleNamespace()
    monkeypatch.setattr(
        dataset_info,
        "read_json",
        lambda path: parse_json(file.text.encode(), path),
    )
    return file


def test_every_field_with_a_wrong_value_is_a_user_error(full, file):
    text = (full / FILE).read_text()
    values = json.loads(text)
    names = list(fields(values))
    assert len(names) > 60
    wrong = []
    for field in names:
        for value in VALUES:
            legitimate = is_legitimate(field, value, held_by(values, field))
            for new_hash in (True, False):
                rehash = new_hash and field != "sha256"
                file.text = changed(text, field, value, rehash)
                try:
                    read(full)
                except UserError as error:
                    message = str(error)
                    accepted = False
                    assert str(full) in message and "\n" not in message
                    assert "Received: " in message or "missing" in message
                else:
                    accepted = True
                held = json.dumps(value) == json.dumps(held_by(values, field))
                if accepted != (held or (legitimate and new_hash)):
                    wrong.append((field, value, new_hash, accepted))
    assert not wrong


def test_a_missing_field_is_a_user_error(full):
    text = (full / FILE).read_text()
    for field in fields(json.loads(text)):
        *_, last = field.split(".")
        if last.isdigit() or field in ("dropped.truncated", "arguments.seed"):
            continue
        if field in ("splits.train", "splits.empty"):
            continue
        values = json.loads(text)
        parent = values
        *parents, _ = field.split(".")
        for name in parents:
            parent = parent[int(name) if isinstance(parent, list) else name]
        del parent[last]
        (full / FILE).write_text(json.dumps(values))
        with pytest.raises(UserError, match=f"{FILE}: "):
            read(full)


@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "-Infinity",
        "1e999",
        "9" * 5000,
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        *('{"a":' * n + "1" + "}" * n for n in (100, 300, 500, 900, 980)),
        *("[" * n + "]" * n for n in (100, 300, 500, 900, 980)),
    ],
    ids=lambda value: f"{value[:9]}...{len(value)}",
)
@pytest.mark.parametrize("field", ["arguments", "splits", "cut_questions"])
def test_numbers_and_depths_that_json_has_not_are_user_errors(
    full, field, value
):
    change(full, field, "HERE")
    path = full / FILE
    path.write_text(path.read_text().replace('"HERE"', value))
    with pytest.raises(UserError, match=f"{FILE}.*Received: "):
        read(full)


@pytest.mark.parametrize("size", range(0, 2000, 97))
def test_a_file_that_was_cut_is_a_user_error(full, size):
    path = full / FILE
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(UserError, match=f"{FILE}.*Received: "):
        read(full)
