"""What a training that continues does with checkpoints that are damaged."""

import errno
import math
import os
import resource
import shutil

import keras
import numpy as np
import pytest

from vqa_keras.errors import UserError
from vqa_keras.runs import saved_epochs
from vqa_keras.runs.checkpoints import Checkpoints

EPOCHS = 4
BEST = 2
SCORES = [0.1, 0.9, 0.3, 0.2]


def model():
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    built = keras.Sequential([keras.Input((2,)), *layers])
    built.compile("adam", loss="mse", run_eagerly=True)
    return built


class Scores(keras.callbacks.Callback):
    """Gives each epoch a score, as if it were measured."""

    def on_epoch_end(self, epoch, logs=None):
        logs["score"] = SCORES[epoch]


def train(folder, epochs, first=0, checkpoints=None, trained=None):
    checkpoints = checkpoints or Checkpoints(folder, "score")
    trained = trained or model()
    trained.fit(
        np.ones((4, 2)),
        np.ones((4, 1)),
        initial_epoch=first,
        epochs=epochs,
        callbacks=[Scores(), checkpoints],
        verbose=0,
    )
    return trained


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder of epochs 2, the best, and 4, the last."""
    folder = tmp_path_factory.mktemp("checkpoints")
    train(folder, EPOCHS)
    names = {f"epoch_{e}.{s}" for e in (2, 4) for s in ("json", "weights.h5")}
    assert {path.name for path in folder.iterdir()} == names
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy")


def flip(path, bit):
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def restore(folder, **options):
    return Checkpoints(folder, "score").restore(model(), **options)


@pytest.mark.parametrize("suffix", ["json", "weights.h5"])
def test_a_flipped_bit_of_the_last_epoch_is_noticed(folder, suffix, capsys):
    path = folder / f"epoch_{EPOCHS}.{suffix}"
    whole = path.read_bytes()
    count = 8 * len(whole)
    bits = np.random.default_rng(0).choice(count, 500, replace=False)
    files = saved_epochs.SavedEpochs(folder)
    assert files.newest().epoch == EPOCHS
    for bit in map(int, bits):
        flip(path, bit)
        assert files.newest().epoch == BEST
        path.write_bytes(whole)
        line, *others = capsys.readouterr().out.splitlines()
        assert line.startswith(f"skipped      {path}, damaged: ")
        assert line.endswith("; continues after epoch 2") and not others


def test_training_after_a_skipped_epoch_comes_to_the_same_weights(folder):
    expected = model()
    assert Checkpoints(folder, "score").restore(expected) == EPOCHS
    flip(folder / "epoch_4.weights.h5", 9999)
    found = model()
    checkpoints = Checkpoints(folder, "score")
    first = checkpoints.restore(found)
    assert first == BEST
    train(folder, EPOCHS, first, checkpoints, found)
    for a, b in zip(expected.get_weights(), found.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert restore(folder) == EPOCHS


@pytest.mark.parametrize("suffix", ["json", "weights.h5"])
def test_a_damaged_best_epoch_is_refused_before_it_is_trained_on(
    folder, suffix
):
    flip(folder / f"epoch_{BEST}.{suffix}", 1000)
    message = f"epoch_2.{suffix} must be the best checkpoint of .* trains anew"
    with pytest.raises(UserError, match=message):
        restore(folder)


def test_a_folder_of_damaged_epochs_is_refused_by_the_newest(folder):
    for epoch in (BEST, EPOCHS):
        flip(folder / f"epoch_{epoch}.weights.h5", 5)
    with pytest.raises(UserError, match="epoch_4.weights.h5 must be a check"):
        restore(folder)


def test_an_older_epoch_may_be_ruled_out(folder):
    assert restore(folder, skip_damaged=False) == EPOCHS
    flip(folder / "epoch_4.weights.h5", 5)
    with pytest.raises(UserError, match="epoch_4.weights.h5 must be a check"):
        restore(folder, skip_damaged=False)


def test_weights_that_vanished_are_told_from_a_kill(folder, capsys):
    (folder / "epoch_4.weights.h5").unlink()
    assert restore(folder) == BEST
    line = capsys.readouterr().out
    assert "epoch_4.weights.h5, damaged: No such file" in line
    for path in folder.glob("epoch_2.*"):
        path.unlink()
    with pytest.raises(UserError, match="epoch_4.weights.h5 must .*No such"):
        restore(folder)
    # What a kill leaves while epoch 1, or the one after 2, is saved:
    (folder / "epoch_4.json").rename(folder / "epoch_1.json")
    assert restore(folder) == 0


def test_a_log_that_is_not_finite_is_never_the_best():
    checkpoints = Checkpoints("none", "score")
    checkpoints.history = [
        {"score": value} for value in (math.nan, 0.5, math.inf, 0.7, math.nan)
    ]
    assert checkpoints.best_epoch() == 4


def test_an_epoch_is_on_the_disk_before_older_ones_go(tmp_path, monkeypatch):
    flushed, counts = [], []
    fsync, unlink = os.fsync, type(tmp_path).unlink

    def record(descriptor):
        flushed.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    def removed(path, **options):
        if path.name == "epoch_1.weights.h5":
            counts.append(list(flushed))
        unlink(path, **options)

    if not os.path.exists("/proc/self/fd"):
        pytest.skip("reads /proc")
    monkeypatch.setattr(os, "fsync", record)
    monkeypatch.setattr(type(tmp_path), "unlink", removed)
    train(tmp_path, 2)
    (before,) = counts
    names = [os.path.basename(path) for path in before[-4:]]
    assert names[0] == "unfinished.weights.h5"
    assert names[1].startswith(".epoch_2.json.")
    assert before[-2:] == [str(tmp_path)] * 2  # of both new names


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="of Linux")
def test_a_limit_on_files_stops_before_h5py_writes(tmp_path):
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, old[1]))
    try:
        with pytest.raises(UserError, match=f"Errno {errno.EFBIG}.* Make room"):
            train(tmp_path, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert not list(tmp_path.iterdir())


def test_an_unfinished_file_that_is_a_link_is_not_written_through(tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("mine")
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "unfinished.weights.h5").symlink_to(mine)
    train(folder, 1)
    assert mine.read_text() == "mine"
    assert sorted(path.name for path in folder.iterdir()) == [
        "epoch_1.json",
        "epoch_1.weights.h5",
    ]


def test_only_files_of_a_training_are_removed(folder):
    mine = folder / "epoch_best.weights.h5"
    inside = folder / "epoch_9.json" / "thesis"
    inside.parent.mkdir()
    for path in (mine, inside):
        path.write_text("mine")
    outside = folder.parent / "outside"
    outside.write_text("mine")
    (folder / "epoch_7.json").symlink_to(outside)
    (folder / ".epoch_4.json.1-a.tmp").write_text("")
    saved_epochs.remove_own(folder)
    names = {path.name for path in folder.iterdir()}
    assert names == {mine.name, "epoch_9.json"}
    assert outside.read_text() == inside.read_text() == "mine"
