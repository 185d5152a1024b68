import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.models import DenseSymmetricBackbone

SHAPES = [[4, 6, 3], [2, 3, 5]]


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "grid_1": rng.normal(size=(2, *SHAPES[0])).astype("float16"),
        "grid_2": rng.normal(size=(2, *SHAPES[1])).astype("float16"),
        "token_ids": np.array([[2, 3, 4], [5, 0, 0]], "int32"),
    }


def make_backbone(**arguments):
    backbone = DenseSymmetricBackbone(
        **{
            "vocabulary_size": 6,
            "grid_shapes": SHAPES,
            "embedding_dim": 3,
            "hidden_dim": 8,
            "num_layers": 2,
            "num_heads": 2,
            **arguments,
        }
    )
    rng = np.random.default_rng(1)
    for weight in backbone.trainable_weights:
        weight.assign(rng.normal(scale=0.5, size=weight.shape))
    return backbone


def test_is_what_its_layers_make(inputs):
    backbone = make_backbone()
    outputs = backbone(inputs)
    question, words, mask = backbone.question_encoder(inputs["token_ids"])
    grids = [inputs["grid_1"], inputs["grid_2"]]
    grids = [grid.astype("float32") for grid in grids]
    regions, cnn_layers = backbone.cnn_layer_attention(question, grids)
    attention = {"cnn_layers_1": cnn_layers}
    for i, co_attention in enumerate(backbone.co_attentions, 1):
        (words, regions), weights = co_attention(
            words, regions, words_mask=mask
        )
        attention[f"words_to_regions_{i}"] = weights[0]
        attention[f"regions_to_words_{i}"] = weights[1]
    words, attention["words_1"] = backbone.words_summary(
        words, sequence_mask=mask
    )
    regions, attention["hop_1"] = backbone.regions_summary(regions)
    expected = {"fused": words + regions, "attention": attention}
    keras.tree.assert_same_structure(outputs, expected)
    for a, b in zip(
        keras.tree.flatten(outputs), keras.tree.flatten(expected), strict=True
    ):
        a, b = ops.convert_to_numpy(a), ops.convert_to_numpy(b)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("num_layers", [1, 3])
def test_parameters_are_those_of_the_formula(num_layers):
    v, e, d, heads, slots = 6, 3, 8, 2, 3
    lstm = 4 * (d // 2) * (e + d // 2 + 1)
    half = d // 2
    layers = (3 + 5) * d + 2 * d + (d + 1) * half + (half + 1) * heads * 2
    co_attention = 2 * d * d + 2 * (2 * d + 1) * d + 2 * slots * d
    summary = (d + 1) * d + d * heads
    backbone = make_backbone(num_layers=num_layers)
    assert backbone.count_params() == (
        v * e + 2 * lstm + layers + num_layers * co_attention + 2 * summary
    )


def test_weight_paths_name_the_co_attention():
    paths = {w.path for w in make_backbone().weights}
    assert "co_attention_2/words_fusion_dense/kernel" in paths
    assert "cnn_layer_attention/grid_1_dense/kernel" in paths
    assert "regions_summary/score_dense/kernel" in paths


def test_rejects_no_layers_a_single_grid_and_heads_that_do_not_divide():
    with pytest.raises(ValueError, match="`num_layers` must.*Received: 0"):
        make_backbone(num_layers=0)
    with pytest.raises(ValueError, match="at least two grids"):
        make_backbone(grid_shapes=SHAPES[:1])
    with pytest.raises(ValueError, match="`num_heads` must divide"):
        make_backbone(num_heads=3)
