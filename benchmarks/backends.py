"""Compares what every zoo entry computes on each backend from one preset.

    python benchmarks/backends.py [ENTRY ...]

Each installed backend writes a preset of every entry, with and without an image
encoder inside, and of an ensemble; each other backend reads them. Prints the
largest difference of logits and attention, and ends with status 1 if one is
above 1e-4 (1e-3 for intra_inter).
"""

import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
ROOT = pathlib.Path(__file__).parents[1]
WORDS = ["[PAD]", "[UNK]", *"what color is the shape a red".split()]
ANSWERS = [f"answer {i}" for i in range(13)]
LEVELS = ["relu_2", "relu_4"]


def bound(case):
    """Returns the largest difference allowed for a case."""
    return 1e-3 if case.startswith("intra_inter") else 1e-4


def cases(entries=()):
    """Returns the names of the cases: entries, with pixels, an ensemble."""
    from vqa_keras import zoo

    entries = list(entries) or zoo.names()
    return [*entries, *(f"{entry}+pixels" for entry in entries), "ensemble"]


def build(case):
    """Returns the task of a case, with random weights."""
    from vqa_keras import models
    from vqa_keras import text
    from vqa_keras import zoo
    from vqa_keras.image_encoders import load

    if case == "ensemble":
        return models.ensemble([build("transformer") for _ in range(2)])
    entry, _, pixels = case.partition("+")
    tokenizer = text.QuestionTokenizer(WORDS, sequence_length=6)
    task = zoo.build_model(
        entry,
        preprocessor=models.VQAPreprocessor(tokenizer, ANSWERS),
        vocabulary_size=len(WORDS),
        num_classes=len(ANSWERS),
    )
    if not pixels:
        return task
    levels = LEVELS if "grid_1" in task.input else None
    return task.with_image_encoder(load("grid_cnn", levels=levels))


def batch(task):
    """Returns four questions, padded, about random images or features."""
    import numpy as np

    rng = np.random.default_rng(0)
    token_ids = rng.integers(1, len(WORDS), (4, 6)).astype("int32")
    token_ids[1, 3:] = 0
    inputs = {"token_ids": token_ids}
    for name, tensor in task.input.items():
        shape = (4, *(64 if s is None else s for s in tensor.shape[1:]))
        if name == "regions_mask":
            inputs[name] = (np.arange(64) < [[64], [64], [40], [1]]).astype(
                "int32"
            )
        elif name == "images":
            inputs[name] = rng.integers(0, 256, shape).astype("float32")
        elif name != "token_ids":
            inputs[name] = rng.uniform(size=shape).astype("float32")
    return inputs


def outputs(task):
    """Returns the logits and the attention of a batch, by name."""
    inputs = batch(task)
    logits = task.predict(inputs, verbose=0)
    return {"logits": logits, **task.attend(inputs)}


def write(folder, names):
    """Writes a preset of each case, and its outputs."""
    import keras
    import numpy as np

    for seed, case in enumerate(names):
        keras.utils.set_random_seed(seed)
        task = build(case)
        task.save_to_preset(folder / case)
        np.savez(folder / f"{case}.npz", **outputs(task))


def read(folder, names):
    """Returns the largest difference of each case from another backend's."""
    import numpy as np

    from vqa_keras.models import VQA

    differences = {}
    for case in names:
        found = outputs(VQA.from_preset(folder / case))
        with np.load(folder / f"{case}.npz") as expected:
            assert sorted(expected) == sorted(found), case
            differences[case] = max(
                float(np.abs(expected[n] - found[n]).max()) for n in found
            )
    return differences


def run(backend, *arguments):
    """Runs this file on a backend; returns what it printed."""
    environment = {**os.environ, "KERAS_BACKEND": backend}
    path = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, __file__, *map(str, arguments)],
        env={**environment, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def compare(backends, names):
    """Returns `{(case, writer, reader): difference}`."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for writer in backends:
            run(writer, "--write", pathlib.Path(folder, writer), *names)
        for reader in backends:
            for writer in backends:
                if writer == reader:
                    continue
                text = run(
                    reader, "--read", pathlib.Path(folder, writer), *names
                )
                for line in text.splitlines():
                    case, difference = line.split()
                    found[case, writer, reader] = float(difference)
    return found


def main(arguments):
    if arguments[:1] == ["--write"]:
        write(pathlib.Path(arguments[1]), arguments[2:])
        return 0
    if arguments[:1] == ["--read"]:
        for case, value in read(
            pathlib.Path(arguments[1]), arguments[2:]
        ).items():
            print(case, value)
        return 0
    backends = [n for n, m in BACKENDS.items() if importlib.util.find_spec(m)]
    names = cases(arguments)
    found = compare(backends, names)
    pairs = sorted({key[1:] for key in found})
    print("case", *(f"{a}>{b}" for a, b in pairs), sep=" | ")
    for case in names:
        values = (f"{found[case, *pair]:.0e}" for pair in pairs)
        print(case, *values, sep=" | ")
    wrong = [key for key, value in found.items() if not value <= bound(key[0])]
    print(f"{len(found)} comparisons, above the bound: {wrong or 'none'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
