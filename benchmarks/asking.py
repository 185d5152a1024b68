"""Compares `VQA.ask` with the bare compiled graph that it calls.

    python benchmarks/asking.py [--asks=50 --rounds=5]

Answers one question about one image at a time, a 64 x 64 PNG file, with
`stacked` at the size of its recipe and the shipped CNN:

    bare graph      a `tf.function` of CNN, backbone, head and softmax, called
                    with prepared pixels and token ids: no decoding, no
                    tokenization, no best answers, no copies.
    answerer        `task.answerer()`, which `ask` calls.
    ask, array      `task.ask` of the decoded pixels.
    ask, file       `task.ask` of the path.

The ways alternate; ratios are medians over the rounds.
"""

import pathlib
import tempfile

import numpy as np
import tensorflow as tf
from absl import flags
from PIL import Image
from support import rounds

from vqa_keras import image_encoders
from vqa_keras import models
from vqa_keras.command import run
from vqa_keras.text import QuestionTokenizer

_ASKS = flags.DEFINE_integer("asks", 50, "Calls per round.", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds.", lower_bound=1)
_QUESTION = "what is the color of the shape?"


def main(argv):
    task = _task()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), "uint8")
    inputs = {
        "images": tf.constant(pixels[None]),
        "token_ids": tf.constant(task.preprocessor.tokenizer([_QUESTION])),
    }
    graph = tf.function(
        lambda inputs: task.probabilities(task(inputs, training=False)),
        autograph=False,
    )
    answerer = task.answerer()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "image.png")
        Image.fromarray(pixels).save(path)
        ways = {
            "bare graph": lambda: graph(inputs),
            "answerer": lambda: answerer(inputs),
            "ask, array": lambda: task.ask(pixels, _QUESTION),
            "ask, file": lambda: task.ask(path, _QUESTION),
        }
        seconds = rounds.measure(
            {name: _repeated(way) for name, way in ways.items()},
            _ROUNDS.value,
        )
    asks = dict.fromkeys(seconds, _ASKS.value)
    rounds.print_table(seconds, "bare graph", asks, "questions")


def _repeated(way):
    def repeated():
        for _ in range(_ASKS.value):
            way()

    return repeated


def _task():
    words = ["[PAD]", "[UNK]", *"what is the color of shape".split()]
    answers = [f"answer {i}" for i in range(13)]
    encoder = image_encoders.load("grid_cnn")
    preprocessor = models.VQAPreprocessor(
        QuestionTokenizer(words, sequence_length=9), answers, (64, 64)
    )
    backbone = models.StackedBackbone(
        len(words),
        embedding_dim=64,
        hidden_dim=128,
        attention_dim=64,
        normalize_regions=True,
        image_encoder=encoder,
    )
    return models.VQA(backbone, len(answers), preprocessor, hidden_dim=256)


if __name__ == "__main__":
    run(main)
