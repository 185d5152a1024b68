"""Batches that hold an image once give what repeated images give."""

import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras import models
from vqa_keras.image_encoders import GridCNNBackbone
from vqa_keras.layers import SelfAttentionContextualizer
from vqa_keras.models import share_images

IMAGE_INDEX = np.array([0, 0, 2, 1, 2], "int32")
COMMON = {"vocabulary_size": 6, "hidden_dim": 4, "embedding_dim": 3}


def random_task(backbone):
    task = getattr(models, type(backbone).__name__.replace("Backbone", "VQA"))(
        backbone, 3, hidden_dim=7, dropout=0.0
    )
    rng = np.random.default_rng(1)
    for weight in task.trainable_weights:
        weight.assign(rng.normal(scale=0.5, size=weight.shape))
    return task


def make_stacked():
    encoder = GridCNNBackbone([8], [2], [2], image_shape=(4, 6, 3))
    backbone = models.StackedBackbone(
        **COMMON,
        attention_dim=5,
        image_encoder=encoder,
        contextualizer=SelfAttentionContextualizer(attention_dim=4),
    )
    images = np.random.default_rng(0).uniform(0, 255, (3, 4, 6, 3))
    return random_task(backbone), {"images": images.astype("float32")}


def make_joint():
    backbone = models.JointBackbone(**COMMON, attention_dim=5, regions_dim=8)
    regions = np.random.default_rng(0).normal(size=(3, 4, 8)).astype("float32")
    mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]], "int32")
    return random_task(backbone), {"regions": regions, "regions_mask": mask}


def make_cnn_layer():
    shapes = [(4, 6, 5), (2, 3, 8)]
    backbone = models.CNNLayerBackbone(
        **COMMON, attention_dim=5, grid_shapes=shapes
    )
    rng = np.random.default_rng(0)
    grids = {
        f"grid_{i}": rng.normal(size=(3, *shape)).astype("float32")
        for i, shape in enumerate(shapes, 1)
    }
    return random_task(backbone), grids


every_task = pytest.mark.parametrize(
    "make", [make_stacked, make_joint, make_cnn_layer]
)


def token_ids():
    ids = np.random.default_rng(2).integers(1, 6, (5, 4)).astype("int32")
    ids[1, 2:] = 0
    return ids


@every_task
def test_shared_images_give_the_logits_of_repeated_images(make):
    task, images = make()
    shared = share_images(task)(
        {**images, "token_ids": token_ids(), "image_index": IMAGE_INDEX}
    )
    repeated = {name: array[IMAGE_INDEX] for name, array in images.items()}
    expected = task({**repeated, "token_ids": token_ids()})
    np.testing.assert_allclose(
        ops.convert_to_numpy(shared),
        ops.convert_to_numpy(expected),
        rtol=1e-5,
        atol=1e-5,
    )


@every_task
def test_training_the_shared_model_trains_the_task(make):
    task, images = make()
    before = [np.array(w) for w in task.get_weights()]
    model = share_images(task)
    model.compile(keras.optimizers.SGD(0.1), **task.defaults())
    inputs = {**images, "token_ids": token_ids(), "image_index": IMAGE_INDEX}
    model.train_on_batch(inputs, np.eye(3, dtype="float32")[[0, 1, 2, 0, 1]])
    moved = [
        bool(np.any(old != new))
        for old, new in zip(before, task.get_weights(), strict=True)
    ]
    assert len(model.trainable_weights) == len(task.trainable_weights)
    # A bias may have no gradient: softmax forgets what it adds to all regions.
    assert sum(moved) > 0.8 * len(moved)


def test_what_sees_the_image_alone_runs_once_an_image():
    task, _ = make_stacked()
    of_images = share_images(task).get_layer("of_images")
    names = {layer.name for layer in of_images.layers}
    assert {task.backbone.image_encoder.name, "regions"} <= names
    assert any("contextualizer" in name for name in names)
    assert not any("question" in name for name in names)
