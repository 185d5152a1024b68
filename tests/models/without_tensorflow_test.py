import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

WITHOUT_TENSORFLOW_INSTALLED = """
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
weights = task.attend(inputs)["hop_2"]
preprocessor = VQAPreprocessor(
    QuestionTokenizer(["[PAD]", "[UNK]", "what"], 3), list("abc"), (4, 4)
)
images = np.full((1, 8, 8, 3), 200, "uint8")
pixels = preprocessor({"images": images, "questions": ["what"]})["images"]
assert pixels.shape == (1, 4, 4, 3) and (pixels == 200).all()
assert not any(name.split(".")[0] == "tensorflow" for name in sys.modules)
print(json.dumps([logits.shape, weights.shape, float(loss[0]) > 0]))
"""


def test_works_on_jax_where_tensorflow_is_not_installed():
    pytest.importorskip("jax")
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW_INSTALLED],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == [[2, 3], [2, 6], True]
