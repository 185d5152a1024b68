"""Where TensorFlow is not installed, rooms import and a task works on JAX.

One process, that has no TensorFlow, serves all tests.
"""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests.imports_test import IN_FUNCTIONS_ONLY
from tests.imports_test import WITHOUT_TENSORFLOW

ROOT = pathlib.Path(__file__).parents[1]
ROOMS = sorted(WITHOUT_TENSORFLOW | IN_FUNCTIONS_ONLY)

pytestmark = pytest.mark.slow

PROGRAM = """
import importlib.abc
import importlib.util
import sys


class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"tensorflow", "tensorflow_text"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: (
    None if name.startswith("tensorflow") else find_spec(name, package)
)
sys.meta_path.insert(0, Blocker())

import json
import traceback

found = {}


def report(name, action):
    try:
        found[name] = action()
    except Exception:
        found[name] = traceback.format_exc()


def ask_a_task():
    import numpy as np

    from vqa_keras.models import VQA, StackedBackbone, VQAPreprocessor
    from vqa_keras.text import QuestionTokenizer

    backbone = StackedBackbone(
        6, regions_dim=8, embedding_dim=3, hidden_dim=4, attention_dim=5
    )
    task = VQA(backbone, 3, hidden_dim=7)
    inputs = {
        "regions": np.ones((2, 6, 8), "float16"),
        "token_ids": np.array([[2, 3], [1, 0]], "int32"),
    }
    logits = task.predict_on_batch(inputs)
    loss = task.train_on_batch(inputs, np.eye(3, dtype="float32")[:2])
    weights = task.attend(inputs)["regions_2"]
    preprocessor = VQAPreprocessor(
        QuestionTokenizer(["[PAD]", "[UNK]", "what"], 3), list("abc"), (4, 4)
    )
    images = np.full((1, 8, 8, 3), 200, "uint8")
    pixels = preprocessor({"images": images, "questions": ["what"]})["images"]
    assert pixels.shape == (1, 4, 4, 3) and (pixels == 200).all()
    return [logits.shape, weights.shape, float(loss[0]) > 0]


for room in sys.argv[1:]:
    report(room, lambda: bool(importlib.import_module(f"vqa_keras.{room}")))
report("task", ask_a_task)
found["tensorflow"] = sorted({"tensorflow"} & set(sys.modules))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    """What the process tells of each room, of a task and of TensorFlow."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("needs JAX")
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *ROOMS],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports(found, room):
    assert found[room] is True, found[room]


def test_a_task_predicts_trains_and_attends_on_jax(found):
    assert found["task"] == [[2, 3], [2, 6], True], found["task"]


def test_nothing_imports_tensorflow(found):
    assert found["tensorflow"] == []
