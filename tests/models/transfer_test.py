"""A new task takes the weights of a trained one, and keeps parts frozen."""

import numpy as np
import pytest
from keras import ops

from vqa_keras import models
from vqa_keras import zoo
from vqa_keras.text import QuestionTokenizer

WORDS = ["[PAD]", "[UNK]", "what", "color", "is", "red"]
ANSWERS = ["red", "blue", "Dark green"]


def make(words=WORDS, answers=ANSWERS, entry="stacked", **arguments):
    sizes = {"regions_dim": 6, "embedding_dim": 4, "hidden_dim": 6}
    if entry == "stacked":
        sizes["attention_dim"] = 5
    preprocessor = models.VQAPreprocessor(QuestionTokenizer(words, 5), answers)
    task = zoo.build_model(
        entry,
        preprocessor,
        vocabulary_size=len(words),
        num_classes=len(answers),
        head_hidden_dim=7,
        **{**sizes, **arguments},
    )
    rng = np.random.default_rng(len(words))
    task.set_weights([rng.normal(size=w.shape) for w in task.weights])
    return task


def value(task, path):
    (weight,) = [w for w in task.weights if w.path == path]
    return ops.convert_to_numpy(weight)


def test_rows_of_words_are_matched_by_the_word():
    source, task = make(), make([*WORDS[:2], "is", "shade", "what"])
    path = "question_encoder/word_embedding/embeddings"
    old, before = value(source, path), value(task, path)
    found = models.transfer(task, source)
    expected = np.stack([old[0], old[1], old[4], before[3], old[2]])
    np.testing.assert_array_equal(value(task, path), expected)
    assert found.words == 2


def test_columns_of_answers_are_matched_by_their_class():
    source, task = make(), make(answers=["pink", "DARK Green", "red", "x"])
    old, before = (
        value(source, "answer_dense/kernel"),
        value(task, "answer_dense/kernel"),
    )
    old_bias, bias = (
        value(source, "answer_dense/bias"),
        value(task, "answer_dense/bias"),
    )
    found = models.transfer(task, source)
    assert found.answers == 2
    np.testing.assert_array_equal(
        value(task, "answer_dense/kernel"),
        np.stack([before[:, 0], old[:, 2], old[:, 0], before[:, 3]], axis=1),
    )
    np.testing.assert_array_equal(
        value(task, "answer_dense/bias"),
        [bias[0], old_bias[2], old_bias[0], bias[3]],
    )


def test_other_weights_are_equal_and_a_question_has_the_same_fused_vector():
    source, task = make(), make([*WORDS[:2], "red", "is", "color", "what", "x"])
    found = models.transfer(task, source)
    assert (found.weights, found.new_weights) == (len(task.weights), [])
    rng = np.random.default_rng(0)
    regions = rng.normal(size=(2, 3, 6)).astype("float32")
    question = ["what color is red", "is what"]
    fused = [
        each.backbone(
            {
                "regions": regions,
                "regions_mask": np.ones((2, 3), "int32"),
                "token_ids": each.preprocessor.tokenizer(question),
            }
        )["fused"]
        for each in (source, task)
    ]
    np.testing.assert_allclose(*map(ops.convert_to_numpy, fused), atol=1e-6)


def test_a_weight_as_long_as_the_vocabulary_is_not_taken_for_embeddings():
    # six rows, as many as words: kernel of the regions, (6, 6)
    source, task = make(), make([*WORDS[:2], "red", "is", "color", "what"])
    models.transfer(task, source)
    path = "region_encoder/regions_dense/kernel"
    np.testing.assert_array_equal(value(task, path), value(source, path))


def test_weights_of_other_shapes_are_new():
    source, task = make(), make(regions_dim=8)
    path = "region_encoder/regions_dense/kernel"
    before = value(task, path)
    found = models.transfer(task, source)
    assert found.new_weights == [path]
    np.testing.assert_array_equal(value(task, path), before)


def test_a_task_without_common_weights_is_refused():
    source = make()
    task = make(
        WORDS[:4],
        ["x"],
        entry="cosine",
        regions_dim=8,
        embedding_dim=3,
        hidden_dim=8,
    )
    with pytest.raises(ValueError, match="weights of the names and shapes"):
        models.transfer(models.VQA(task.backbone, 1, task.preprocessor), source)


def test_a_task_without_words_is_refused():
    source = make()
    task = models.VQA(make().backbone, 3)
    with pytest.raises(ValueError, match="must each have a preprocessor"):
        models.transfer(task, source)


def test_frozen_layers_stay_frozen_in_a_saved_task(tmp_path):
    task = make()
    paths = ["question_encoder.word_embedding", "region_encoder"]
    models.freeze_layers(task.backbone, paths)
    trained = {w.path for w in task.trainable_weights}
    assert "question_encoder/word_embedding/embeddings" not in trained
    assert "region_encoder/regions_dense/kernel" not in trained
    assert "question_encoder/forward_lstm/lstm_cell/kernel" in trained
    task.save_to_preset(str(tmp_path))
    loaded = models.VQA.from_preset(str(tmp_path))
    assert {w.path for w in loaded.trainable_weights} == trained
    twin = loaded.without_image_encoder()
    assert {w.path for w in twin.trainable_weights} == trained


def test_fit_leaves_frozen_layers_as_they_are():
    task = make()
    models.freeze_layers(task.backbone, ["question_encoder"])
    task.compile("sgd", run_eagerly=True)
    x = {
        "regions": np.ones((2, 3, 6), "float32"),
        "regions_mask": np.ones((2, 3), "int32"),
        "token_ids": np.array([[2, 3], [4, 0]]),
    }
    before = {w.path: ops.convert_to_numpy(w).copy() for w in task.weights}
    task.fit(x, np.eye(3, dtype="float32")[:2], shuffle=False, verbose=0)
    changed = {
        w.path
        for w in task.weights
        if (ops.convert_to_numpy(w) != before[w.path]).any()
    }
    assert "answer_dense/bias" in changed
    assert not [path for path in changed if path.startswith("question_encoder")]


def test_an_unknown_layer_is_refused_with_the_closest_one():
    with pytest.raises(ValueError, match="did you mean question_encoder"):
        models.freeze_layers(make().backbone, ["question_encode"])
