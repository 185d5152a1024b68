"""Batches with each image once give the outputs of repeated images."""

import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras import models
from vqa_keras.image_encoders import GridCNNBackbone
from vqa_keras.layers import SelfAttentionContextualizer

IMAGE_INDEX = np.array([0, 0, 2, 1, 2], "int32")
COMMON = {"vocabulary_size": 6, "hidden_dim": 4, "embedding_dim": 3}


def random_task(backbone):
    task = models.VQA(backbone, 3, hidden_dim=7, dropout=0.0)
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
    shared = task(
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


@pytest.mark.slow
@every_task
def test_training_the_shared_model_trains_the_task(make):
    task, images = make()
    before = [np.array(w) for w in task.get_weights()]
    task.compile(keras.optimizers.SGD(0.1))
    inputs = {**images, "token_ids": token_ids(), "image_index": IMAGE_INDEX}
    task.train_on_batch(inputs, np.eye(3, dtype="float32")[[0, 1, 2, 0, 1]])
    moved = [
        bool(np.any(old != new))
        for old, new in zip(before, task.get_weights(), strict=True)
    ]
    # A bias may have no gradient: softmax forgets what it adds to all regions.
    assert sum(moved) > 0.8 * len(moved)


class RowsSeen(keras.layers.Layer):
    """A contextualizer that changes nothing and keeps the number of rows."""

    def call(self, regions, regions_mask=None):
        self.rows = regions.shape[0]
        return regions


def test_the_image_side_runs_once_per_image():
    context = RowsSeen()
    backbone = models.StackedBackbone(
        **COMMON, attention_dim=5, regions_dim=8, contextualizer=context
    )
    inputs = {
        "regions": np.zeros((3, 4, 8), "float32"),
        "regions_mask": np.ones((3, 4), "int32"),
        "token_ids": token_ids(),
        "image_index": IMAGE_INDEX,
    }
    assert backbone(inputs)["fused"].shape == (5, 4)
    assert context.rows == 3
