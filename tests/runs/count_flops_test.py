"""The regions that the operations of an answer are counted for."""

import pathlib
import types

import pytest

from vqa_keras.data import Records
from vqa_keras.data.features import CNN
from vqa_keras.data.features import Features
from vqa_keras.data.record_files import RecordFiles
from vqa_keras.runs import training


def records_of(levels):
    """Records whose CNN has these levels; None is records without a CNN."""
    records = object.__new__(Records)
    info = types.SimpleNamespace(
        sequence_length=9,
        features=levels and Features(CNN, "cnn", "0" * 64, levels),
    )
    records.files = RecordFiles(pathlib.Path("records"), info)
    return records


@pytest.mark.parametrize(
    ("grid_shape", "levels", "expected"),
    [
        ((2, 3), None, 6),
        ((2, 3), {"grid": [4, 5, 7]}, 6),
        (None, {"low": [8, 8, 7], "high": [4, 5, 7]}, 20),
        (None, {"regions": [36, 7]}, 36),
    ],
)
def test_all_cells_are_counted(monkeypatch, grid_shape, levels, expected):
    monkeypatch.setattr(training, "flops_per_question", lambda *sizes: sizes)
    backbone = types.SimpleNamespace(grid_shape=grid_shape)
    task = types.SimpleNamespace(backbone=backbone)
    found = training.count_flops(task, records_of(levels))
    assert found == (task, 9, expected)


@pytest.mark.parametrize("levels", [None, {"regions": [None, 7]}])
def test_an_unknown_number_of_regions_is_not_counted(levels):
    task = types.SimpleNamespace(
        backbone=types.SimpleNamespace(grid_shape=None)
    )
    assert training.count_flops(task, records_of(levels)) is None
