import json

import keras
import numpy as np
import pytest

from vqa_keras.errors import UserError
from vqa_keras.json_hash import json_sha256
from vqa_keras.runs import checkpoints
from vqa_keras.runs import saved_epochs


def model_with_dropout():
    layers = [keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(loss="mse", run_eagerly=True)
    return model


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The files of a checkpoint of two epochs: `{name: bytes}`."""
    folder = tmp_path_factory.mktemp("checkpoints")
    model_with_dropout().fit(
        np.ones((4, 2)),
        np.ones((4, 1)),
        epochs=2,
        callbacks=[checkpoints.Checkpoints(folder, None)],
        verbose=0,
    )
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def restore(folder, files):
    for name, data in files.items():
        (folder / name).write_bytes(data)
    found = checkpoints.Checkpoints(folder, None)
    return found.restore(model_with_dropout()), found.history


def test_a_checkpoint_is_restored_beside_other_files(written, tmp_path):
    epochs, history = restore(
        tmp_path, {**written, "epoch_old.weights.h5": b""}
    )
    assert epochs == len(history) == 2


def changed(**values):
    """A change to other values, with a hash that is theirs."""

    def change(data):
        state = {**json.loads(data), **values}
        state["sha256"] = json_sha256(state)
        return (json.dumps(state, indent=1) + "\n").encode()

    return change


def without_hash(data):
    state = json.loads(data)
    del state["sha256"]
    return (json.dumps(state, indent=1) + "\n").encode()


@pytest.mark.parametrize(
    ("change", "received"),
    [
        (lambda data: b"", "Expecting value"),
        (lambda data: data[: len(data) // 2], "line"),
        (lambda data: b"\xff" + data, "codec"),
        (lambda data: b"[" * 100_000, "recursion"),
        (lambda data: b"[]", "no JSON object"),
        (lambda data: b"{}", "no sha256 of its content"),
        (without_hash, "no sha256 of its content"),
        (lambda data: data[:-1] + b" \n", "content of another sha256"),
        (changed(logs=[]), "logs of 0 epochs"),
        (changed(logs=[{"loss": 1.0}] * 2), "logs of 2 epochs"),
        (changed(logs=[{"loss": None}] * 2), "other values"),
        (changed(logs=3), "other values"),
        (changed(seeds=[]), "states of 0 seed generators"),
        (changed(seeds=[[1]]), "states of 1 seed generators"),
        (changed(seeds=[[-1, 0]]), "other values|out of bounds"),
        (changed(seeds=["a"]), "invalid literal"),
        (changed(best_epoch=3), "logs of 2 epochs"),
        (changed(weights={}), "other values"),
    ],
)
def test_damaged_logs_of_an_epoch_are_refused_by_name(
    written, tmp_path, change, received
):
    files = {**written, "epoch_2.json": change(written["epoch_2.json"])}
    with pytest.raises(UserError, match=f"Received: .*{received}") as caught:
        restore(tmp_path, files)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'epoch_2.json'} must be a check")
    assert message.endswith(". --noresume trains anew")
    assert "\n" not in message


def test_an_epoch_without_logs_is_refused_by_name(written, tmp_path):
    weights = {"epoch_2.weights.h5": written["epoch_2.weights.h5"]}
    with pytest.raises(UserError, match="epoch_2.json must .*No such file"):
        restore(tmp_path, weights)


@pytest.mark.parametrize("length", [0, 100, 5000])
def test_weights_cut_short_are_refused_by_name(written, tmp_path, length):
    cut = written["epoch_2.weights.h5"][:length]
    with pytest.raises(UserError, match="epoch_2.weights.h5 must") as caught:
        restore(tmp_path, {**written, "epoch_2.weights.h5": cut})
    assert "\n" not in str(caught.value)


def test_a_disk_without_room_stops_before_anything_is_written(
    tmp_path, monkeypatch
):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    full = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(saved_epochs.shutil, "disk_usage", lambda _: full)
    x, y = np.ones((4, 2)), np.ones((4, 1))
    with pytest.raises(
        UserError, match="must have .* bytes.* Received: 1,000 b"
    ):
        model.fit(
            x,
            y,
            validation_data=(x, y),
            callbacks=[checkpoints.Checkpoints(tmp_path, "val_loss")],
            verbose=0,
        )
    assert not list(tmp_path.glob("*.h5"))
