import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.image_encoders import GridCNNBackbone
from vqa_keras.layers import CosineAttention
from vqa_keras.layers import WordEncoder
from vqa_keras.models import HierarchicalBackbone
from vqa_keras.models import StackedBackbone


class RegionsCut(keras.layers.Layer):
    """A contextualizer that loses half of each region."""

    def call(self, regions, regions_mask=None):
        return regions[..., :2]


SIZES = {"embedding_dim": 3, "hidden_dim": 4, "attention_dim": 5}


@pytest.fixture
def pixels(records):
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (3, 4, 6, 3)).astype("float32")
    return {"images": images, "token_ids": records["token_ids"]}


def regions_of(encoder, inputs):
    grid = encoder(inputs["images"], training=False)  # (B, 2, 3, C)
    regions = ops.convert_to_numpy(grid).reshape(3, 6, -1)
    mask = np.ones((3, 6), "int32")
    return {
        "regions": regions,
        "regions_mask": mask,
        "token_ids": inputs["token_ids"],
    }


def run(backbone, inputs):
    outputs = backbone(inputs, training=False)
    return keras.tree.map_structure(ops.convert_to_numpy, outputs)


def assert_close(outputs, expected, atol=1e-5):
    for a, b in zip(
        keras.tree.flatten(outputs), keras.tree.flatten(expected), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=atol)


def test_pixels_and_their_features_give_the_same_outputs(encoder, pixels):
    features = StackedBackbone(6, regions_dim=8, **SIZES)
    expected = run(features, regions_of(encoder, pixels))
    inside = features.with_image_encoder(encoder)
    assert set(inside.input) == {"images", "token_ids"}
    assert_close(run(inside, pixels), expected)
    outside = inside.without_image_encoder()
    assert set(outside.input) == set(features.input)
    assert_close(run(outside, regions_of(encoder, pixels)), expected, atol=0)


def test_twins_have_weights_of_their_own(encoder, pixels):
    features = StackedBackbone(6, regions_dim=8, **SIZES)
    inside = features.with_image_encoder(encoder)
    before = run(inside, pixels)
    for weight in features.weights:
        weight.assign(np.zeros(weight.shape))
    assert_close(run(inside, pixels), before, atol=0)


def test_grid_shape_and_width_are_those_of_the_encoder(encoder):
    inside = StackedBackbone(6, regions_dim=99, image_encoder=encoder, **SIZES)
    assert (inside.grid_shape, inside.regions_dim) == ((2, 3), 8)
    assert inside.without_image_encoder().grid_shape is None


@pytest.mark.parametrize("trainable", [True, False])
def test_file_gives_back_the_encoder_as_trainable_as_it_was(
    encoder, pixels, tmp_path, trainable
):
    encoder.trainable = trainable
    backbone = StackedBackbone(6, image_encoder=encoder, **SIZES)
    backbone.save(tmp_path / "backbone.keras")
    twin = keras.saving.load_model(tmp_path / "backbone.keras")
    assert isinstance(twin.image_encoder, GridCNNBackbone)
    assert twin.image_encoder is not encoder
    for model in (twin, backbone.without_image_encoder(), backbone):
        assert model.trainable
    assert twin.image_encoder.trainable is encoder.trainable is trainable
    assert len(twin.trainable_weights) == len(backbone.trainable_weights)
    assert_close(run(twin, pixels), run(backbone, pixels), atol=0)


def test_needs_the_width_of_the_features():
    for width in (None, 0):
        with pytest.raises(ValueError, match=f"`regions_dim`.*: {width}"):
            StackedBackbone(6, regions_dim=width, **SIZES)


def test_rejects_an_encoder_of_any_size():
    images = keras.Input((None, None, 3))
    encoder = keras.Model(images, keras.layers.Conv2D(8, 2)(images))
    with pytest.raises(ValueError, match="fixed size.*None, None, None, 3"):
        StackedBackbone(6, image_encoder=encoder, **SIZES)


def test_rejects_an_encoder_with_several_grids_or_none():
    images = keras.Input((4, 4, 3))
    grid = keras.layers.Conv2D(8, 2)(images)
    features = StackedBackbone(6, regions_dim=8, **SIZES)
    for outputs in (
        {"low": grid, "high": grid},
        [grid, grid],
        keras.layers.Flatten()(grid),
    ):
        encoder = keras.Model(images, outputs)
        with pytest.raises(ValueError, match="one grid.* Received: input_sh"):
            StackedBackbone(6, image_encoder=encoder, **SIZES)
        with pytest.raises(ValueError, match="Received: "):
            features.with_image_encoder(encoder)


def test_rejects_an_encoder_of_another_width(encoder):
    features = StackedBackbone(6, regions_dim=9, **SIZES)
    with pytest.raises(ValueError, match=r"width 9. Received: .*2, 3, 8"):
        features.with_image_encoder(encoder)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (CosineAttention(), "called with regions.* CosineAttention, which"),
        (keras.layers.Dense(4), "called with regions.* Dense, which"),
        (RegionsCut(), "keep the shape of the regions.* Received: regions_cut"),
    ],
)
def test_a_layer_that_gives_no_context_is_refused(layer, message):
    with pytest.raises(ValueError, match=message):
        StackedBackbone(6, regions_dim=8, contextualizer=layer, **SIZES)


class Shortened(StackedBackbone):
    """Gives its attention a name of no kind."""

    def fuse(self, encoded):
        fused, attention = super().fuse(encoded)
        return fused, {"look_1": attention["regions_1"]}


def test_an_attention_name_of_no_kind_is_refused():
    with pytest.raises(ValueError, match="begin with one of.* Received: look"):
        Shortened(6, regions_dim=8, **SIZES)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("hiden_dim", "among vocabulary_size, .*: hiden_dim; did you mean hid"),
        ("zebra", "StackedBackbone must be among.*Received: zebra$"),
    ],
)
def test_an_unknown_argument_is_an_error(wrong, message):
    with pytest.raises(TypeError, match=message):
        StackedBackbone(6, regions_dim=8, **SIZES, **{wrong: 3})


def test_an_argument_that_a_model_decides_is_an_error():
    with pytest.raises(TypeError, match="Hierarchical.*Received: embedding_d"):
        HierarchicalBackbone(6, embedding_dim=3)


def test_takes_a_question_encoder_of_the_same_contract(records):
    words = WordEncoder(6, 4, name="my_words")
    backbone = StackedBackbone(
        6, regions_dim=8, question_encoder=words, **SIZES
    )
    assert "my_words" in {layer.name for layer in backbone.layers}
    assert "question_encoder" not in {layer.name for layer in backbone.layers}
    twin = StackedBackbone.from_config(backbone.get_config())
    twin.set_weights(backbone.get_weights())
    assert isinstance(twin.question_encoder, WordEncoder)
    assert_close(run(twin, records), run(backbone, records), atol=0)


def test_a_question_encoder_of_another_width_is_refused():
    with pytest.raises(ValueError, match="hidden_dim=4. Received: word_encod"):
        StackedBackbone(
            6, regions_dim=8, question_encoder=WordEncoder(6, 5), **SIZES
        )
