"""Which epoch is kept, and when a training stops."""

import types

import pytest

from tests.fixtures.small_results import RESULTS
from vqa_keras.errors import UserError
from vqa_keras.runs.checkpoints import Checkpoints
from vqa_keras.runs.results import RunResults
from vqa_keras.runs.selection import BEST
from vqa_keras.runs.selection import CHOSEN_ON
from vqa_keras.runs.selection import LAST
from vqa_keras.runs.selection import Patience
from vqa_keras.runs.selection import print_selection
from vqa_keras.runs.selection import selection


def records(**in_vocabulary):
    splits = {
        name: types.SimpleNamespace(in_vocabulary=count)
        for name, count in in_vocabulary.items()
    }
    info = types.SimpleNamespace(splits=splits)
    return types.SimpleNamespace(folder="data", info=info)


@pytest.mark.parametrize(
    ("splits", "patience", "expected"),
    [
        ({"validation": 2, "test": 2}, None, BEST),
        ({"validation": 2, "test": 2}, 3, BEST),
        ({"validation": 2, "test": 0}, None, LAST),
        ({"validation": 2, "test": 0}, 3, CHOSEN_ON),
        ({"validation": 2}, None, LAST),
        ({"validation": 2}, 3, CHOSEN_ON),
        ({"test": 2}, None, LAST),
    ],
)
def test_the_rule_depends_on_splits_and_patience(splits, patience, expected):
    assert selection(records(train=4, **splits), patience) == expected


@pytest.mark.parametrize("splits", [{"test": 2}, {"validation": 0}])
def test_patience_without_answers_to_validate_on_is_refused(splits):
    with pytest.raises(UserError, match="--patience must be .*Received: .*in "):
        selection(records(train=4, **splits), 3)


@pytest.mark.parametrize(
    ("accuracies", "patience", "stops"),
    [
        ([0.5, 0.5, 0.4], 2, 3),  # an equal epoch is no better one
        ([0.5, 0.4, 0.6, 0.5, 0.6, 0.7], 2, 5),
        ([0.5, 0.4], 1, 2),
        ([0.5, 0.4, 0.3, 0.2], None, None),
        ([0.1, 0.2, 0.3], 1, None),
    ],
)
def test_it_stops_after_epochs_without_a_better_one(
    tmp_path, accuracies, patience, stops
):
    checkpoints = Checkpoints(tmp_path)
    stop = Patience(checkpoints, patience)
    model = types.SimpleNamespace(stop_training=False)
    stop.set_model(model)
    assert not stop.is_exhausted()
    for epoch, accuracy in enumerate(accuracies):
        checkpoints.history.append({"val_accuracy": accuracy})
        stop.on_epoch_end(epoch)
        # a continued training, which begins with the history
        assert Patience(checkpoints, patience).is_exhausted() == (
            epoch + 1 == stops
        )
        if model.stop_training:
            break
    assert (epoch + 1 if model.stop_training else None) == stops


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "epoch        1 of 2 kept, best on validation (93.21 %)\n"),
        (
            {"selected": LAST, "best_epoch": 2},
            "epoch        2 of 2 kept, the last (91.00 %)\n",
        ),
        (
            {"selected": CHOSEN_ON, "patience": 1, "stopped_after": 2},
            "stopped      after epoch 2 of 9: 1 without a better validation "
            "accuracy (--patience)\nepoch        1 of 2 kept, best on "
            "validation, which is also what was measured (93.21 %)\n",
        ),
        ({"history": [], "best_epoch": None}, ""),
    ],
)
def test_the_kept_epoch_is_printed(capsys, changes, expected):
    history = [{"val_accuracy": 0.93214}, {"val_accuracy": 0.91}]
    values = {**RESULTS, "epochs": 9, "history": history, **changes}
    print_selection(RunResults.from_json(values, "results.json").training)
    assert capsys.readouterr().out == expected


def test_without_validation_the_epoch_has_no_accuracy(capsys):
    values = {**RESULTS, "selected": LAST, "history": [{"loss": 1.0}]}
    print_selection(RunResults.from_json(values, "results.json").training)
    expected = "epoch        1 of 1 kept, the last\n"
    assert capsys.readouterr().out == expected
