"""Properties of single mechanisms beyond their formulas."""

import numpy as np
import pytest
from keras import ops

from vqa_keras import models
from vqa_keras.layers import SelfAttentionContextualizer

SIZES = {"vocabulary_size": 6, "embedding_dim": 3, "hidden_dim": 8}
REGIONS = SIZES | {"regions_dim": 8}
PYRAMID = SIZES | {"grid_shapes": [(4, 6, 3), (2, 3, 5)]}
TRANSFORMER = REGIONS | {
    "num_heads": 2,
    "num_layers": 2,
    "intermediate_dim": 5,
    "output_dim": 7,
}


def fused(backbone, inputs):
    return ops.convert_to_numpy(backbone(inputs, training=False)["fused"])


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("Cosine", REGIONS | {"temperature": 0}, "`temperature` must.*: 0"),
        ("SpatialChannel", REGIONS | {"num_layers": 0}, "`num_layers` must.*0"),
        (
            "CNNLayer",
            PYRAMID | {"grid_shapes": [(5, 6, 3), (2, 3, 5)]},
            "whole multiples of the smallest",
        ),
        (
            "DenseSymmetric",
            PYRAMID | {"num_layers": 0},
            "`num_layers` must.* Received: 0",
        ),
        (
            "DenseSymmetric",
            PYRAMID | {"grid_shapes": [(4, 6, 3)]},
            "at least two grids",
        ),
        ("DenseSymmetric", PYRAMID | {"num_heads": 3}, "`num_heads` must div"),
        (
            "Multilevel",
            REGIONS | {"num_concepts": 0},
            "`num_concepts` must.* Received: 0",
        ),
        (
            "IntraInter",
            REGIONS | {"num_blocks": 0},
            "`num_blocks` must.* Received: 0",
        ),
        (
            "IntraInter",
            REGIONS | {"num_heads": 3},
            "divides. Received: num_heads=3",
        ),
        (
            "Transformer",
            TRANSFORMER | {"num_layers": 0},
            "`num_layers` must.* Received: 0",
        ),
    ],
)
def test_rejects_sizes_that_do_not_fit(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(models, f"{name}Backbone")(**arguments)


def test_an_image_without_regions_gives_sca_cnn_the_question(records):
    records["regions_mask"][:] = 0
    backbone = models.SpatialChannelBackbone(**REGIONS)
    question, _, _ = backbone.question_encoder(records["token_ids"])
    np.testing.assert_array_equal(
        fused(backbone, records), ops.convert_to_numpy(question)
    )


def test_a_question_without_a_word_gives_dual_attention_zeros(records):
    records["token_ids"][:] = 0
    backbone = models.DualBackbone(**REGIONS)
    for weight in backbone.weights:
        weight.assign(np.ones(weight.shape))
    assert (fused(backbone, records) == 0).all()


def test_dual_attention_has_two_hops_by_default():
    assert models.DualBackbone(**REGIONS).num_hops == 2


@pytest.mark.parametrize("position_grid", [None, (2, 3)])
def test_order_of_regions_matters_with_positions_only(records, position_grid):
    backbone = models.TransformerBackbone(
        **TRANSFORMER, position_grid=position_grid
    )
    records["regions_mask"][:] = 1
    before = fused(backbone, records)
    records["regions"] = records["regions"][:, ::-1]
    change = np.abs(fused(backbone, records) - before).max()
    assert change > 1e-2 if position_grid else change < 1e-4


def test_config_keeps_the_position_grid():
    backbone = models.TransformerBackbone(**TRANSFORMER, position_grid=[2, 3])
    twin = models.TransformerBackbone.from_config(backbone.get_config())
    assert twin.position_grid == (2, 3)
    assert twin.get_config() == backbone.get_config()


def test_rejects_regions_that_are_not_the_position_grid(records, encoder):
    backbone = models.TransformerBackbone(**TRANSFORMER, position_grid=(2, 4))
    with pytest.raises(ValueError, match=r"must be the 8 cells"):
        backbone(records)
    with pytest.raises(ValueError, match=r"\(2, 3\)\. Received: \(3, 2\)"):
        models.TransformerBackbone(
            **TRANSFORMER, position_grid=(3, 2), image_encoder=encoder
        )


def test_the_question_alone_moves_the_baseline_without_the_image(records):
    backbone = models.QuestionOnlyBackbone(**REGIONS)
    before = fused(backbone, records)
    records["regions"] = records["regions"][::-1] + 1
    records["regions_mask"] = records["regions_mask"][::-1]
    np.testing.assert_array_equal(fused(backbone, records), before)
    records["token_ids"] = records["token_ids"][::-1]
    np.testing.assert_allclose(
        fused(backbone, records), before[::-1], atol=1e-6
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"normalize_regions": True},
        {"contextualizer": SelfAttentionContextualizer()},
    ],
)
def test_the_baseline_without_the_image_refuses_parts_for_regions(arguments):
    with pytest.raises(TypeError, match=f"Received: {next(iter(arguments))}"):
        models.QuestionOnlyBackbone(**REGIONS, **arguments)


@pytest.mark.parametrize("normalize_image", [False, True])
def test_vanilla_takes_the_length_of_the_image_unless_normalized(
    records, normalize_image
):
    backbone = models.VanillaBackbone(
        **REGIONS, normalize_image=normalize_image
    )
    before = fused(backbone, records)
    records["regions"] = 3 * records["regions"]
    change = np.abs(fused(backbone, records) - before).max()
    assert (change > 1e-4) != normalize_image
