r"""Writes the golden outputs that refactorings leave equal.

    python -m tests.golden.make_golden FOLDER
    python -m tests.golden.make_golden --compare FOLDER FOLDER
    python -m tests.golden.make_golden --models

The last one writes tests/testdata/golden/models.npz, for a new entry.

What all entries compute, what the records of every reader hold, and what the
commands say of one small trained run. Two folders written on one machine,
before and after a change, are compared to the bit; `golden_test.py` compares
with tests/testdata/golden to 1e-5. The weights of the run are trained only
where FOLDER and tests/testdata/golden have none.
"""

import json
import pathlib
import re
import sys
import tempfile

import numpy as np

from tests.golden import models
from tests.golden import readers
from tests.golden import trained_run
from vqa_keras.renamed import rename_results

GOLDEN = pathlib.Path(__file__).parents[1] / "testdata" / "golden"


def main(arguments):
    if arguments[0] == "--compare":
        sys.exit(compare(*map(pathlib.Path, arguments[1:])))
    if arguments == ["--models"]:
        _models(GOLDEN)
        return
    folder = pathlib.Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    _models(folder)
    with tempfile.TemporaryDirectory() as work:
        _readers(folder, pathlib.Path(work))
    with tempfile.TemporaryDirectory() as work:
        _run(folder, pathlib.Path(work))


def _models(folder):
    arrays = {}
    for entry in models.entries():
        for name, array in models.outputs(entry).items():
            arrays[f"{entry}/{name}"] = array
    np.savez_compressed(folder / "models.npz", **arrays)


def _readers(folder, work):
    contents, shards = {}, {}
    for name in readers.READERS:
        written = readers.write(name, work / name)
        contents[name] = readers.contents(written, name)
        shards[name] = readers.shard_hashes(written)
        if name == "grid_cnn":
            features = readers.some_features(written)
            np.savez_compressed(folder / "features.npz", features=features)
    _write_json(folder / "records.json", contents)
    _write_json(folder / "shards.json", shards)


def _run(folder, work):
    written = trained_run.records(work)
    weights = next(
        (f for f in (folder, GOLDEN) if (f / "weights.npz").is_file()), None
    )
    if weights is None:
        weights = folder
        np.savez_compressed(
            folder / "weights.npz", **trained_run.train(written)
        )
    weights = np.load(weights / "weights.npz")
    run = trained_run.make_run(written, weights, work / "run")
    numbers, texts = trained_run.outputs(written, run, work)
    np.savez_compressed(folder / "run.npz", **numbers)
    _write_json(folder / "run.json", texts)


def compare(before, after):
    """Prints what differs between two folders; returns 1 if anything does."""
    different = 0
    for name in ("models.npz", "features.npz", "run.npz"):
        old = {_renamed(k): v for k, v in np.load(before / name).items()}
        new = {_renamed(k): v for k, v in np.load(after / name).items()}
        for key in sorted({*old, *new}):
            if key not in old or key not in new:
                print(f"{name}: {key} is in one folder only")
            elif old[key].dtype != new[key].dtype:
                print(f"{name}: {key} has another dtype")
            elif not np.array_equal(old[key], new[key]):
                distance = np.abs(old[key] - new[key]).max()
                print(f"{name}: {key} differs by {distance:g}")
            else:
                continue
            different += 1
        print(f"{name}: {len(old)} arrays compared")
    for name in ("records.json", "shards.json", "run.json"):
        old = rename_results(json.loads((before / name).read_text("utf-8")))
        new = rename_results(json.loads((after / name).read_text("utf-8")))
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                print(f"{name}: {key} differs")
                different += 1
        print(f"{name}: {len(old)} entries compared")
    print(f"{different} differences")
    return int(different > 0)


def _renamed(name):
    """Today's name of an array; attention over regions was called hop."""
    return re.sub("(attention|ask_.|served)/hop_", r"\1/regions_", name)


def _write_json(path, value):
    text = json.dumps(value, indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
