"""Every entry of the zoo builds, trains, comes back, explains and answers."""

import keras
import numpy as np
import pytest

from vqa_keras import zoo
from vqa_keras.attention_axes import attention_axes
from vqa_keras.image_encoders import load
from vqa_keras.models import VQA
from vqa_keras.models import VQAPreprocessor
from vqa_keras.text import QuestionTokenizer

ENTRIES = """
    bilstm_context channel cnn_layer cosine dense_symmetric dual hierarchical
    independent intra_inter joint jointly_conditioned multilevel parametric
    question_only self_attention_context spatial_channel stacked transformer
    vanilla
""".split()
WORDS = ["[PAD]", "[UNK]", *"what color is the shape a red".split()]
ANSWERS = [f"answer {i}" for i in range(13)]
# Biases that a softmax cancels; the paper's parameter count has them.
UNTRAINED = ("key_dense/bias", "_key/bias", "pooling/score_dense/bias")
LEVELS = ["relu_2", "relu_4"]
PADDING = [(0, 0), (0, 3)]


def build(entry):
    tokenizer = QuestionTokenizer(WORDS, sequence_length=6)
    return zoo.build_model(
        entry,
        preprocessor=VQAPreprocessor(tokenizer, ANSWERS),
        vocabulary_size=len(WORDS),
    )


@pytest.fixture
def batch():
    """Returns `batch(task)`: four questions, padded, on random features."""

    def batch(task):
        rng = np.random.default_rng(0)
        token_ids = rng.integers(1, len(WORDS), (4, 6)).astype("int32")
        token_ids[1, 3:] = 0
        inputs = {"token_ids": token_ids}
        for name, tensor in task.input.items():
            shape = (4, *(64 if s is None else s for s in tensor.shape[1:]))
            if name == "regions_mask":
                inputs[name] = np.ones((4, 64), "int32")
            elif name != "token_ids":
                inputs[name] = rng.uniform(size=shape).astype("float16")
        return inputs

    return batch


def test_the_zoo_holds_the_systems_of_the_article():
    assert zoo.names() == ENTRIES


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES)
def test_entry(entry, batch, tmp_path):
    task = build(entry)
    inputs = batch(task)
    # Adam takes up to four times as long to trace.
    task.compile(keras.optimizers.SGD(1.0))
    # A step that makes the optimizer's variables is traced twice.
    task.optimizer.build(task.trainable_variables)
    before = [np.array(w) for w in task.trainable_weights]
    task.train_on_batch(inputs, np.eye(13, dtype="float32")[:4])
    for weight, old in zip(task.trainable_weights, before, strict=True):
        if not weight.path.endswith(UNTRAINED):
            assert np.abs(np.array(weight) - old).max() > 0, weight.path

    logits = task.predict(inputs, verbose=0)
    assert logits.shape == (4, 13)
    assert np.isfinite(logits).all()
    task.save(tmp_path / "task.keras")
    again = keras.saving.load_model(tmp_path / "task.keras")
    np.testing.assert_array_equal(again.predict(inputs, verbose=0), logits)

    padded = {**inputs, "token_ids": np.pad(inputs["token_ids"], PADDING)}
    if "regions" in inputs:
        padded["regions"] = np.pad(
            inputs["regions"], [*PADDING, (0, 0)], constant_values=100
        )
        padded["regions_mask"] = np.pad(inputs["regions_mask"], PADDING)
    np.testing.assert_allclose(
        task.predict(padded, verbose=0), logits, atol=1e-5
    )

    attention = task.attend(inputs)
    assert bool(attention) == (entry not in ("question_only", "vanilla"))
    for name, weights in attention.items():
        axes = attention_axes(name, weights.ndim - 1)
        if axes[-1] == "words":
            assert (weights[1, ..., 3:] == 0).all(), name
        if name == "affinity_1" or "affinity" in name:
            assert np.abs(weights).max() <= 1
        elif "null_slots" in str(task.backbone.get_config()) and "_to_" in name:
            assert weights.sum(axis=-1).max() <= 1 + 1e-5, name
        elif axes[-2:-1] in [(), ("heads",), ("regions",)]:
            np.testing.assert_allclose(
                weights.sum(axis=-1), 1, atol=1e-5, err_msg=name
            )

    levels = LEVELS if "grid_1" in task.input else None
    encoder = load("grid_cnn", levels=levels)
    seeing = task.with_image_encoder(encoder)
    seeing.save_to_preset(str(tmp_path / "preset"))
    restored = VQA.from_preset(str(tmp_path / "preset"))
    picture = np.full((32, 48, 3), 200, "uint8")
    answer = restored.ask(picture, "what color is the shape", top_k=3)
    assert len(answer.answers) == 3
    assert answer.words == "what color is the shape".split()
    expected = seeing.ask(picture, "what color is the shape", top_k=3)
    assert answer.probabilities == expected.probabilities
    for name, weights in answer.attention.items():
        if attention_axes(name) == ("regions",):
            assert weights.shape == (8, 8)
