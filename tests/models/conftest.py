"""Tiny tasks that the tests of this folder share."""

import keras
import numpy as np
import pytest

from vqa_keras.image_encoders import GridCNNBackbone
from vqa_keras.models import VQA
from vqa_keras.models import StackedBackbone
from vqa_keras.models import VQAPreprocessor
from vqa_keras.text import QuestionTokenizer

WORDS = ["[PAD]", "[UNK]", "what", "color", "is", "it"]
ANSWERS = ["red", "green", "blue"]


@pytest.fixture
def tokenizer():
    return QuestionTokenizer(WORDS, sequence_length=5)


@pytest.fixture
def encoder():
    """A network from 4 x 6 pixels to a grid of 2 x 3 cells."""
    return GridCNNBackbone([8], [2], [2], image_shape=(4, 6, 3), name="cnn")


@pytest.fixture
def make_task(tokenizer):
    """Returns `make_task(encoder=None, **head)`, a task with random weights."""

    def make_task(encoder=None, dtype=None, **head):
        size = encoder and encoder.input_shape[1:3]
        task = VQA(
            StackedBackbone(
                len(WORDS),
                regions_dim=8,
                embedding_dim=3,
                hidden_dim=4,
                attention_dim=5,
                image_encoder=encoder,
                dtype=dtype,
            ),
            len(ANSWERS),
            VQAPreprocessor(tokenizer, ANSWERS, size),
            **{"hidden_dim": 7, "dropout": 0.0, **head},
        )
        randomize(task)
        return task

    return make_task


def randomize(model):
    """Gives every trained weight, biases included, a random value."""
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(size=weight.shape))


@pytest.fixture
def records():
    """A batch as the records hold it: float16 features and token ids."""
    rng = np.random.default_rng(0)
    return {
        "regions": rng.normal(size=(3, 6, 8)).astype("float16"),
        "regions_mask": np.array(
            [[1] * 6, [1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0]], "int32"
        ),
        "token_ids": np.array(
            [[2, 3, 4, 5, 1], [2, 3, 0, 0, 0], [1, 0, 0, 0, 0]], "int32"
        ),
    }


@pytest.fixture
def raw():
    """A batch of images larger than the encoder's, and questions."""
    rng = np.random.default_rng(0)
    return {
        "images": rng.integers(0, 256, (3, 8, 12, 3), "uint8"),
        "questions": np.array(["What color is it?", "what", ""]),
    }


@pytest.fixture
def targets():
    return np.eye(3, dtype="float32")


@pytest.fixture
def logits():
    """Returns `logits(task, inputs)`, computed eagerly, as float32 NumPy."""

    def logits(task, inputs):
        inputs = keras.tree.map_structure(
            keras.ops.convert_to_tensor, task.preprocess_samples(inputs)
        )
        outputs = keras.ops.cast(task(inputs, training=False), "float32")
        return keras.ops.convert_to_numpy(outputs)

    return logits


@pytest.fixture(params=["features", "pixels"])
def both(request, make_task, encoder, records, raw):
    """Returns a task, without or with an encoder, and inputs it takes."""
    if request.param == "features":
        return make_task(), records
    return make_task(encoder), raw
