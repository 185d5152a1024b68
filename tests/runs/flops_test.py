"""FLOPs are those that one counts by hand."""

import keras
import pytest
import tensorflow as tf
from keras import ops

from vqa_keras import zoo
from vqa_keras.runs.flops import flops
from vqa_keras.runs.flops import flops_per_question


class WeightedMean(keras.layers.Layer):
    def __init__(self, equation):
        super().__init__()
        self.equation = equation

    def call(self, inputs):
        return ops.einsum(self.equation, *inputs)


def spec(*shape):
    return tf.TensorSpec(shape, "float32")


def test_a_dense_layer_multiplies_adds_and_adds_its_bias():
    dense = keras.layers.Dense(7)
    dense.build((None, 3, 5))
    assert flops(dense, spec(1, 3, 5)) == 3 * (2 * 5 * 7 + 7)


@pytest.mark.parametrize(
    ("equation", "shapes", "expected"),
    [
        ("bm,bmd->bd", [(1, 4), (1, 4, 3)], 2 * 4 * 3),
        ("bnhd,bmhd->bhnm", [(1, 4, 2, 3), (1, 5, 2, 3)], 2 * 4 * 5 * 2 * 3),
        ("bgm,bmd->bgd", [(1, 2, 4), (1, 4, 3)], 2 * 2 * 4 * 3),
        ("bd,bmd->bmd", [(1, 3), (1, 4, 3)], 4 * 3),
    ],
)
def test_an_einsum_of_attention_is_a_product_of_sizes(
    equation, shapes, expected
):
    specs = [spec(*shape) for shape in shapes]
    assert flops(WeightedMean(equation), specs) == expected


@pytest.mark.parametrize("steps", [1, 6])
def test_an_lstm_takes_every_step(steps):
    dim, units = 5, 4
    lstm = keras.layers.LSTM(units, return_sequences=True)
    lstm.build((None, None, dim))
    gates = 2 * dim * 4 * units + 2 * units * 4 * units + 2 * 4 * units
    cell = 3 * units + units  # c = f c + i g; h = o tanh(c)
    assert flops(lstm, spec(1, steps, dim)) == steps * (gates + cell)
    assert not lstm.unroll


def test_a_loop_is_refused():
    layer = keras.layers.Lambda(
        lambda x: ops.while_loop(lambda y: ops.sum(y) < 9, lambda y: y + 1, x)
    )
    with pytest.raises(RuntimeError, match="must have no loop.*While"):
        flops(layer, spec(1, 3))


@pytest.fixture
def task(zoo_folder, monkeypatch):
    monkeypatch.setattr(zoo.recipe, "entries", lambda: zoo_folder)
    return zoo.build_model("tiny")


def test_a_question_is_the_sum_of_the_parts_of_its_task(task):
    words, regions, channels, dim, answers = 6, 16, 4, 8, 3
    token_ids = tf.TensorSpec((1, words), "int32")
    read = flops(task.backbone.question_encoder, token_ids)
    embed = regions * (2 * channels * dim + dim)
    # As wide as the tokens, attention and head's hidden layer are 8.
    hop = 2 * regions * dim * dim + (2 * dim * dim + dim) + regions * dim
    hop += 2 * regions * dim + 5 * regions + 2 * regions * dim + dim
    head = 2 * dim * dim + dim + 2 * dim * answers + answers
    counted = flops_per_question(task, words, regions)
    assert counted == read + embed + 2 * hop + head


@pytest.mark.slow
def test_more_regions_and_words_cost_more(task):
    few = flops_per_question(task, num_words=6, num_regions=16)
    assert flops_per_question(task, num_words=7, num_regions=16) > few
    assert flops_per_question(task, num_words=6, num_regions=17) > few


@pytest.mark.slow
def test_the_image_encoder_is_not_counted(zoo_folder, monkeypatch):
    monkeypatch.setattr(zoo.recipe, "entries", lambda: zoo_folder)
    pixels = zoo.build_model("pixels")  # 16 cells of 8 channels
    regions = zoo.build_model(
        "pixels", image_encoder=None, regions_dim=8, num_classes=3
    )
    expected = flops_per_question(regions, num_words=6, num_regions=16)
    assert flops_per_question(pixels, num_words=6) == expected


def test_the_number_of_regions_must_be_known(task):
    with pytest.raises(ValueError, match="give `num_regions`. Received"):
        flops_per_question(task, num_words=6)
