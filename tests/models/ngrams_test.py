"""A task with a linear path from n-grams to logits, beside its head."""

import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras import zoo
from vqa_keras.errors import UserError
from vqa_keras.models import VQA
from vqa_keras.text import count_ngrams

IMAGE_INDEX = np.array([2, 0, 0], "int32")


@pytest.fixture
def ngrams(records):
    return count_ngrams(np.tile(records["token_ids"], (3, 1)), 6)


def random_path(task):
    """Gives the path random weights; it starts from zero."""
    kernel = task.ngram_dense.kernel
    rng = np.random.default_rng(2)
    kernel.assign(rng.normal(size=kernel.shape))
    return ops.convert_to_numpy(kernel)


def keys(task):
    return [ops.convert_to_numpy(k).tolist() for k in task.ngram_dense.keys]


def without(task):
    """The same task without the path."""
    config = {**task.get_config(), "ngrams": None}
    config["backbone"] = task.backbone
    config["preprocessor"] = task.preprocessor
    plain = VQA(**config)
    for name in ("hidden_dense", "answer_dense"):
        weights = task.get_layer(name).get_weights()
        plain.get_layer(name).set_weights(weights)
    return plain


@pytest.mark.parametrize("dtype", [None, "mixed_bfloat16"])
def test_a_task_starts_as_one_without_the_path(
    make_task, records, ngrams, logits, dtype
):
    task = make_task(dtype=dtype, ngrams=ngrams)
    task.ngram_dense.kernel.assign(np.zeros(task.ngram_dense.kernel.shape))
    plain = without(task)
    assert "ngrams" in task.get_config() and plain.ngram_dense is None
    np.testing.assert_array_equal(logits(task, records), logits(plain, records))


@pytest.mark.parametrize("dtype", [None, "mixed_bfloat16"])
def test_the_path_is_added_to_the_logits(
    make_task, records, ngrams, logits, dtype
):
    task = make_task(dtype=dtype, ngrams=ngrams)
    random_path(task)
    path = ops.convert_to_numpy(task.ngram_dense(records["token_ids"]))
    assert np.abs(path).max() > 0.1
    for inputs in (records, {**records, "image_index": IMAGE_INDEX}):
        expected = logits(without(task), inputs) + path
        found = logits(task, inputs)
        assert found.dtype == "float32"
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert logits(task, records).shape == (3, 3)
    attention = task.attend(records)
    for name, weights in without(task).attend(records).items():
        np.testing.assert_array_equal(attention[name], weights)


@pytest.mark.slow
def test_training_moves_the_path_and_not_its_keys(
    make_task, records, targets, ngrams
):
    task = make_task(ngrams=ngrams)
    task.ngram_dense.ngram_dropout.rate = 0.0
    before, known = random_path(task), keys(task)
    task.compile(keras.optimizers.Adam(0.1, global_clipnorm=1.0))
    task.fit(records, targets, epochs=2, shuffle=False, verbose=0)
    moved = np.abs(ops.convert_to_numpy(task.ngram_dense.kernel) - before)
    assert (moved[1:].max(axis=-1) > 0.01).all()
    assert (moved[0] == 0).all()
    assert keys(task) == known


def test_the_answerer_and_twins_have_the_path(
    make_task, records, encoder, ngrams, logits
):
    task = make_task(ngrams=ngrams)
    random_path(task)
    expected = ops.convert_to_numpy(ops.softmax(logits(task, records)))
    for twin in (
        task,
        task.with_image_encoder(encoder).without_image_encoder(),
    ):
        outputs = twin.answerer(3)(twin._prepared(records))
        found = ops.convert_to_numpy(outputs["probabilities"])
        np.testing.assert_allclose(found, -np.sort(-expected), atol=1e-5)


def test_a_preset_and_a_file_hold_the_n_grams(
    make_task, records, ngrams, logits, tmp_path
):
    task = make_task(ngrams=ngrams)
    random_path(task)
    task.save_to_preset(tmp_path / "preset")
    task.save(tmp_path / "task.keras")
    for twin in (
        VQA.from_preset(tmp_path / "preset"),
        keras.saving.load_model(tmp_path / "task.keras"),
    ):
        assert keys(twin) == keys(task)
        np.testing.assert_array_equal(
            logits(twin, records), logits(task, records)
        )


@pytest.mark.parametrize(
    "new", [{"num_classes": 5}, {"answers": ["yes", "no", "five"]}]
)
def test_a_new_head_keeps_the_n_grams_and_starts_from_zero(
    make_task, ngrams, tmp_path, new
):
    task = make_task(ngrams=ngrams)
    random_path(task)
    task.save_to_preset(tmp_path)
    twin = VQA.from_preset(tmp_path, **new)
    assert keys(twin) == keys(task)
    kernel = ops.convert_to_numpy(twin.ngram_dense.kernel)
    assert kernel.shape == (1 + sum(task.ngrams), twin.num_classes)
    assert (kernel == 0).all()
    other = count_ngrams(np.full((3, 2), 5), 6)
    twin = VQA.from_preset(tmp_path, **new, ngrams=other)
    assert keys(twin) == [[0, 5], [0, 11], [0]]  # 11 = 1 * 6 + 5


def test_a_config_of_before_has_no_path(make_task, records):
    config = make_task().get_config()
    del config["ngrams"]
    task = VQA.from_config(config)
    assert task.ngram_dense is None and task.ngrams is None


def test_a_recipe_with_n_grams_is_built_with_those_of_a_training(ngrams):
    recipe = zoo.load_recipe("question_only")
    assert recipe["head"]["ngrams"] is False
    recipe = zoo.set_values(recipe, ["head.ngrams=true"])
    with pytest.raises(UserError, match="`head_ngrams` must be the n-grams"):
        zoo.build_model(recipe)
    task = zoo.build_model(recipe, head_ngrams=ngrams)
    assert task.ngrams == [len(found) for found in ngrams]
    task = zoo.build_model("question_only", head_ngrams=ngrams)
    assert task.ngrams == [len(found) for found in ngrams]
