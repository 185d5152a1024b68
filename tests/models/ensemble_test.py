"""The ensemble: the mean of its members, in every form that a task takes."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.models.conftest import randomize
from vqa_keras.models import VQA
from vqa_keras.models import CNNLayerBackbone
from vqa_keras.models import Ensemble
from vqa_keras.models import ensemble
from vqa_keras.text import count_ngrams

HALF = "mixed_bfloat16"


@pytest.fixture
def make_tasks(make_task):
    """Returns `make_tasks(encoder=None, **head)`: two tasks that differ."""

    def make_tasks(encoder=None, **head):
        tasks = [make_task(encoder, **head), make_task(encoder, **head)]
        rng = np.random.default_rng(2)
        for weight in tasks[1].trainable_weights:
            weight.assign(rng.normal(size=weight.shape))
        return tasks

    return make_tasks


def sigmoid_or_softmax(logits, activation):
    logits = np.asarray(logits, "float64")
    if activation == "sigmoid":
        return 1 / (1 + np.exp(-logits))
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@pytest.mark.parametrize(
    ("activation", "dtype"), [("softmax", "float32"), ("sigmoid", HALF)]
)
def test_probabilities_are_the_mean_of_the_members(
    make_tasks, records, logits, activation, dtype
):
    ngrams = count_ngrams(records["token_ids"], 6, min_count=1)
    tasks = make_tasks(dtype=dtype, activation=activation, ngrams=ngrams)
    members = [
        sigmoid_or_softmax(logits(task, records), activation) for task in tasks
    ]
    assert np.abs(members[0] - members[1]).max() > 0.1
    mean = ensemble(tasks)
    found = logits(mean, records)
    expected = np.mean(members, axis=0)
    np.testing.assert_allclose(
        ops.convert_to_numpy(mean.probabilities(found)), expected, atol=1e-6
    )
    others = 1 if activation == "softmax" else 1 - expected
    np.testing.assert_allclose(found, np.log(expected / others), atol=1e-4)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_certain_members_give_finite_logits(make_task, activation):
    mean = ensemble([make_task(activation=activation)] * 2).backbone.mean
    certain = ops.convert_to_tensor([[[1e4, -1e4, 0.0]]] * 2)
    found = ops.convert_to_numpy(mean.logits_of_mean(certain))
    assert np.isfinite(found).all()
    assert found.argmax() == 0


def test_attention_is_the_mean_by_name(make_tasks, records):
    tasks = make_tasks()
    members, found = (
        [
            keras.tree.map_structure(
                ops.convert_to_numpy, each.backbone(records)["attention"]
            )
            for each in some
        ]
        for some in (tasks, [ensemble(tasks)])
    )
    assert found[0].keys() == {"regions_1", "regions_2"}
    for name, weights in found[0].items():
        of_members = [member[name] for member in members]
        assert np.abs(of_members[0] - of_members[1]).max() > 0.1
        np.testing.assert_allclose(weights, np.mean(of_members, 0), atol=1e-6)


@pytest.mark.slow
def test_one_image_encoder_serves_all_members(make_tasks, encoder, raw, logits):
    tasks = make_tasks(encoder)
    mean = ensemble(tasks)
    cnn = encoder.count_params()
    sizes = [task.count_params() - cnn for task in tasks]
    assert mean.count_params() == cnn + sum(sizes)
    expected = np.mean(
        [sigmoid_or_softmax(logits(t, raw), "softmax") for t in tasks], 0
    )
    found = sigmoid_or_softmax(logits(mean, raw), "softmax")
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert mean.backbone.grid_shape == (2, 3)
    answer = mean.ask(raw["images"][0], "What color is it?")
    best = [mean.preprocessor.answers[i] for i in expected[0].argsort()[::-1]]
    assert answer.answers == best
    assert answer.attention["regions_1"].shape == (2, 3)


@pytest.mark.slow
def test_an_encoder_of_several_grids_serves_all_members(logits):
    image = keras.Input((8, 12, 3))
    large = keras.layers.Conv2D(5, 2, 2)(image)
    grids = {"large": large, "small": keras.layers.Conv2D(7, 2, 2)(large)}
    encoder = keras.Model(image, grids)
    tasks = []
    for _ in range(2):
        sizes = {"embedding_dim": 3, "hidden_dim": 4, "attention_dim": 5}
        backbone = CNNLayerBackbone(6, image_encoder=encoder, **sizes)
        tasks.append(VQA(backbone, 3, hidden_dim=None))
    mean = ensemble(tasks)
    assert mean.backbone.grid_shape == (2, 3)
    inputs = {
        "images": np.random.default_rng(0).integers(0, 256, (2, 8, 12, 3)),
        "token_ids": np.array([[2, 3], [4, 0]], "int32"),
    }
    expected = np.mean(
        [sigmoid_or_softmax(logits(t, inputs), "softmax") for t in tasks], 0
    )
    found = sigmoid_or_softmax(logits(mean, inputs), "softmax")
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_questions_may_share_an_image(make_tasks, records, logits):
    mean = ensemble(make_tasks())
    index = np.array([1, 0, 1], "int32")
    repeated = {name: array[index] for name, array in records.items()}
    repeated["token_ids"] = records["token_ids"]
    shared = {**records, "image_index": index}
    np.testing.assert_allclose(
        logits(mean, shared), logits(mean, repeated), atol=1e-5
    )


@pytest.mark.slow
def test_a_saved_ensemble_is_whole(both, make_tasks, tmp_path, logits):
    task, inputs = both
    encoder = task.backbone.image_encoder
    dtype = HALF if encoder is None else "float32"
    mean = ensemble(make_tasks(encoder, dtype=dtype))
    expected = logits(mean, inputs)
    mean.save_to_preset(str(tmp_path / "preset"))
    preset = VQA.from_preset(str(tmp_path / "preset"), dtype=dtype)
    assert isinstance(preset.backbone, Ensemble)
    members = preset.backbone.members
    assert [m.backbone.dtype_policy.name for m in members] == [dtype] * 2
    np.testing.assert_allclose(logits(preset, inputs), expected, atol=1e-5)
    mean.save(tmp_path / "mean.keras")
    loaded = keras.saving.load_model(tmp_path / "mean.keras")
    np.testing.assert_allclose(logits(loaded, inputs), expected, atol=1e-5)


def test_what_does_not_fit_is_refused(make_tasks, make_task):
    with pytest.raises(ValueError, match="must have a member. Received: none"):
        ensemble([])
    others = [make_task(), make_task(activation="sigmoid")]
    with pytest.raises(ValueError, match="Received: .*'sigmoid'"):
        ensemble(others)
    backbone = ensemble(make_tasks()).backbone
    with pytest.raises(ValueError, match="no head to exchange: 3. Received: 4"):
        VQA(backbone, 4)
    with pytest.raises(TypeError, match="did you mean members"):
        Ensemble([make_task()], member=1)


def test_the_tasks_stay_as_they_are(make_tasks, records, logits):
    tasks = make_tasks()
    before = logits(tasks[0], records)
    mean = ensemble(tasks)
    for member in mean.backbone.members:
        randomize(member)
    np.testing.assert_array_equal(logits(tasks[0], records), before)
    assert tasks[0].preprocessor is not None
