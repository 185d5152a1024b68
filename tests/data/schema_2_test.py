"""Records of vqa_keras 0.1, schema version 2, are read as those of today."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from tests.fixtures.changed_info import FILE
from tests.fixtures.changed_info import fields
from vqa_keras.data import DatasetInfo
from vqa_keras.data import Records
from vqa_keras.errors import UserError

# Written by pipelines.write_records of commit 8737624; README.md says how.
TESTDATA = pathlib.Path(__file__).parents[1] / "testdata" / "schema_2"


@pytest.fixture
def old(tmp_path):
    """Returns `old(name)`, a copy of one of the folders of version 2."""
    return lambda name: shutil.copytree(TESTDATA / name, tmp_path / name)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("cnn", {}),
        ("cnn", {"level": "low", "shuffle": True, "targets": "scores"}),
        ("cnn", {"inputs": "grids", "in_vocabulary_only": True}),
        ("cnn", {"inputs": "images", "share_images": True}),
        ("files", {}),
    ],
)
def test_load_gives_the_batches_of_version_3(old, tmp_path, name, arguments):
    folder = old(name)
    renewed = shutil.copytree(folder, tmp_path / "renewed")
    DatasetInfo.read(folder).write(renewed)
    versions = [Records(f).info.schema_version for f in (folder, renewed)]
    assert versions == [2, 3]
    batches = [
        list(Records(f).load("train", 4, **arguments).as_numpy_iterator())
        for f in (folder, renewed)
    ]
    assert len(batches[0]) == len(batches[1]) > 0
    for (inputs, targets), (other_inputs, others) in zip(*batches, strict=True):
        assert inputs.keys() == other_inputs.keys()
        for key, values in inputs.items():
            assert values.dtype == other_inputs[key].dtype
            np.testing.assert_array_equal(values, other_inputs[key])
        np.testing.assert_array_equal(targets, others)


def test_what_version_2_says_is_found_under_its_new_names(old):
    path = old("cnn") / FILE
    written = json.loads(path.read_text())
    info = DatasetInfo.read(path.parent)
    split = info.splits["train"]
    of_split = written["splits"]["train"]
    assert (split.images, split.questions) == (3, 6)
    assert split.in_vocabulary == of_split["answerable"] < split.questions
    assert [shard.sha256 for shard in split.shards] == [
        shard["sha256"] for shard in of_split["shards"]
    ]
    features, encoder = info.features, written["image_encoder"]
    assert (features.source, features.name) == ("cnn", "cnn.keras")
    assert features.file == encoder["file"] == "image_encoder.keras"
    assert features.weights_sha256 == encoder["weights_sha256"]
    assert list(features.levels.items()) == [
        ("low", (4, 4, 2)),
        ("high", (2, 2, 3)),
    ]
    assert features.image_size == (8, 8)
    assert features.dtype == encoder["feature_dtype"] == "float16"
    assert info.arguments == written["arguments"]


def test_features_of_version_2_from_files_have_no_cnn(old):
    features = DatasetInfo.read(old("files")).features
    assert features.source == "files"
    assert features.file is features.image_size is features.weights is None
    assert features.levels == {"regions": (None, 4)}


def test_records_of_version_2_without_features_have_none(old):
    folder = old("cnn")
    values = json.loads((folder / FILE).read_text())
    values["image_encoder"] = None
    (folder / FILE).write_text(json.dumps(values))
    assert DatasetInfo.read(folder).features is None


@pytest.mark.parametrize("value", [None, True, -1, "x", [], [1], {}, {"a": 1}])
def test_a_damaged_file_of_version_2_is_a_user_error(old, value):
    folder = old("cnn")
    text = (folder / FILE).read_text()
    for field in fields(json.loads(text)):
        parent = values = json.loads(text)
        *parents, last = field.split(".")
        for name in parents:
            parent = parent[int(name) if isinstance(parent, list) else name]
        parent[int(last) if isinstance(parent, list) else last] = value
        (folder / FILE).write_text(json.dumps(values))
        try:
            Records(folder)
        except UserError as error:
            assert str(folder) in str(error) and "\n" not in str(error)
