"""The undisturbed data, records, runs and outputs that faults are judged by."""

import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

import numpy as np
from support import forks
from support import jsonl_set
from support import system

from fault_kinds import signatures

IMAGES = 30
EPOCHS = 3
_TINY = f"""
model = "StackedBackbone"
mechanism = "a small run to damage"
source = "https://example.com/small"

[backbone]
vocabulary_size = 9
regions_dim = 4
embedding_dim = 6
hidden_dim = 8
attention_dim = 8
num_hops = 2
dropout = 0.1

[head]
num_classes = 3
hidden_dim = 8
dropout = 0.1
activation = "softmax"
ngrams = true

[training]
inputs = "regions"
targets = "answer"
batch_size = 8
epochs = {EPOCHS}
learning_rate = 1e-2
seed = 1
"""
_PIXELS = """
[image_encoder]
model = "GridCNNBackbone"
filters = [6, 8]
kernel_sizes = [2, 2]
strides = [2, 2]
image_shape = [16, 16, 3]
"""


class Workspace:
    """A folder with undisturbed outputs in `whole/` and room for cases.

    Args:
        folder: `pathlib.Path`, new or that of an earlier run.
        seed: int, of `rng`.
    """

    def __init__(self, folder, seed):
        self.folder = folder
        self.seed = seed
        self.whole = folder / "whole"
        self._facts = folder / "facts.json"  # written last
        self._read = {}

    @property
    def facts(self):
        """Seconds of the commands, and signatures of their outputs."""
        if not self._read:
            self._read = json.loads(self._facts.read_text())
        return self._read

    def rng(self, kind, number):
        """Returns the `random.Random` of a case."""
        return random.Random(f"{self.seed}/{kind}/{number}")

    def case_folder(self):
        """Returns a new folder, which its user removes."""
        return pathlib.Path(tempfile.mkdtemp(dir=self.folder / "cases"))

    def prepare(self, commands):
        """Runs every command undisturbed, unless an earlier run did.

        Args:
            commands: list of `fault_kinds.commands.Command`.
        """
        system.unmount_below(self.folder / "cases")
        shutil.rmtree(self.folder / "cases", ignore_errors=True)
        (self.folder / "cases").mkdir(parents=True)
        if self._facts.is_file():
            return
        shutil.rmtree(self.whole, ignore_errors=True)
        self.whole.mkdir()
        _write_inputs(self.whole)
        facts = {"seconds": {}, "signatures": {}}
        for command in commands:
            output = self.whole / command.output
            start = time.monotonic()
            self.must_run(
                command.module, *command.arguments(self.whole, output)
            )
            facts["seconds"][command.name] = time.monotonic() - start
        self._interrupt(commands)
        save = signatures.save_keras, self.whole / "run", self.whole / "tasks"
        self.probe(*save)
        for door, name in signatures.WHOLE:
            facts["signatures"][f"{door} {name}"] = self.probe(
                signatures.DOORS[door], self.whole / name
            )
        text = json.dumps(facts)
        self._facts.with_suffix(".new").write_text(text)
        os.replace(self._facts.with_suffix(".new"), self._facts)

    def expected(self, door, name):
        """Returns the signature of an undisturbed output."""
        return self.facts["signatures"][f"{door} {name}"]

    def must_run(self, module, *arguments):
        """Runs a command undisturbed; ends the benchmark if it fails."""
        folder = self.case_folder()
        fork = forks.Fork(forks.command(module, *arguments), folder)
        ended = fork.ended()
        if ended.status != 0:
            sys.exit(f"{module} {arguments} must succeed: {ended}")
        shutil.rmtree(folder)
        return ended

    def probe(self, function, *arguments):
        """Returns the JSON value of a function that a fork calls."""
        folder = self.case_folder()

        def write():
            value = function(*arguments)
            (folder / "value.json").write_text(json.dumps(value))

        ended = forks.Fork(write, folder).ended()
        try:
            if ended.status != 0:
                raise ProbeFailed(ended.stderr[-400:])
            return json.loads((folder / "value.json").read_text())
        finally:
            shutil.rmtree(folder)

    def _interrupt(self, commands):
        """Makes runs that were killed before their last epoch."""
        (train,) = (c for c in commands if c.name == "train")
        for name, seed in (("interrupted", 1), ("other_interrupted", 2)):
            output = self.whole / name
            folder = self.case_folder()
            arguments = train.arguments(self.whole, output)
            fork = forks.Fork(
                forks.command(train.module, *arguments, f"--seed={seed}"),
                folder,
            )
            checkpoints = output / "training" / "checkpoints"
            while not (checkpoints / "epoch_2.weights.h5").exists():
                if fork.wait(0.002):
                    sys.exit("training must have saved its second epoch")
            fork.kill()
            shutil.rmtree(folder)


class ProbeFailed(Exception):
    """A fork that reads an output failed; the message is its stderr."""


def _write_inputs(whole):
    images = jsonl_set.write(whole / "data", IMAGES)
    images[3][1].write_bytes(b"this is no image")  # for dropped.jsonl
    jsonl_set.write(whole / "other_data", IMAGES - 10)
    (whole / "tiny.toml").write_text(_TINY)
    pixels = _TINY.replace('"regions"', '"images"') + _PIXELS
    (whole / "pixels.toml").write_text(pixels)
    (whole / "regions").mkdir()
    rng = np.random.default_rng(0)
    for number in range(6):
        np.savez(
            whole / "regions" / f"image-{number}.npz",
            features=rng.normal(size=(5, 8)).astype("float32"),
            boxes=rng.uniform(0, 50, (5, 4)).astype("float32"),
            image_size=np.array([56, 56]),
        )
