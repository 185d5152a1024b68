import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.models import CNNLayerBackbone

SHAPES = [[4, 6, 3], [2, 3, 5]]


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "grid_1": rng.normal(size=(2, *SHAPES[0])).astype("float16"),
        "grid_2": rng.normal(size=(2, *SHAPES[1])).astype("float16"),
        "token_ids": np.array([[2, 3, 4], [5, 0, 0]], "int32"),
    }


@pytest.fixture
def make_backbone():
    def make_backbone(**arguments):
        backbone = CNNLayerBackbone(
            **{
                "vocabulary_size": 6,
                "grid_shapes": SHAPES,
                "embedding_dim": 3,
                "hidden_dim": 8,
                "attention_dim": 5,
                **arguments,
            }
        )
        rng = np.random.default_rng(1)
        for weight in backbone.trainable_weights:
            weight.assign(rng.normal(size=weight.shape))
        return backbone

    return make_backbone


@pytest.mark.parametrize("use_content", [False, True])
def test_is_what_its_layers_make(make_backbone, inputs, use_content):
    backbone = make_backbone(use_content=use_content, num_heads=2)
    outputs = backbone(inputs)
    question, _, _ = backbone.question_encoder(inputs["token_ids"])
    grids = [inputs["grid_1"], inputs["grid_2"]]
    grids = [grid.astype("float32") for grid in grids]
    regions, cnn_layers = backbone.cnn_layer_attention(question, grids)
    filtered, weights = backbone.parametric_attention(question, regions)
    expected = {
        "fused": question + filtered,
        "attention": {"cnn_layers_1": cnn_layers, "hop_1": weights},
    }
    keras.tree.assert_same_structure(outputs, expected)
    for a, b in zip(
        keras.tree.flatten(outputs), keras.tree.flatten(expected), strict=True
    ):
        a, b = ops.convert_to_numpy(a), ops.convert_to_numpy(b)
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert cnn_layers.shape == (2, 2) and weights.shape == (2, 6)


@pytest.mark.parametrize("use_content", [False, True])
def test_parameters_are_those_of_the_formula(make_backbone, use_content):
    v, e, d, k, heads = 6, 3, 8, 5, 2
    lstm = 4 * (d // 2) * (e + d // 2 + 1)
    half = d // 2
    layers = (3 + 5) * d + 2 * d + (d + 1) * half
    if use_content:
        layers += d * half + half * heads
    else:
        layers += (half + 1) * heads * 2
    region_attention = 2 * d * k + 2 * k
    backbone = make_backbone(use_content=use_content, num_heads=heads)
    expected = v * e + 2 * lstm + layers + region_attention
    assert backbone.count_params() == expected


def test_rejects_a_single_grid_and_sizes_that_do_not_fit(make_backbone):
    with pytest.raises(ValueError, match="at least two grids"):
        make_backbone(grid_shapes=SHAPES[:1])
    with pytest.raises(ValueError, match="whole multiples of the smallest"):
        make_backbone(grid_shapes=[[5, 6, 3], [2, 3, 5]])
