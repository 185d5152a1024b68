import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.models import TransformerBackbone
from vqa_keras.models import TransformerVQA

SIZES = {
    "vocabulary_size": 6,
    "regions_dim": 8,
    "embedding_dim": 3,
    "hidden_dim": 8,
    "num_heads": 2,
    "num_layers": 2,
    "intermediate_dim": 5,
    "output_dim": 7,
}


def run(backbone, inputs):
    return keras.tree.map_structure(
        ops.convert_to_numpy, backbone(inputs, training=False)
    )


def test_parameters_are_those_of_the_paper():
    task = TransformerVQA(TransformerBackbone(2), num_classes=3129)
    assert task.count_params() - 2 * 300 == 51_638_843


def test_has_the_attention_of_every_layer(records):
    backbone = TransformerBackbone(**SIZES)
    attention = run(backbone, records)["attention"]
    assert {name: weights.shape for name, weights in attention.items()} == {
        "words_to_words_1": (3, 2, 5, 5),
        "words_to_words_2": (3, 2, 5, 5),
        "regions_to_regions_1": (3, 2, 6, 6),
        "regions_to_words_1": (3, 2, 6, 5),
        "regions_to_regions_2": (3, 2, 6, 6),
        "regions_to_words_2": (3, 2, 6, 5),
        "words_1": (3, 5),
        "hop_1": (3, 6),
    }


def test_regions_ask_the_words_of_the_last_layer(records):
    backbone = TransformerBackbone(**SIZES)
    mask = records["regions_mask"]
    _, words, words_mask = backbone.question_encoder(records["token_ids"])
    regions = backbone.region_encoder(records["regions"].astype("float32"))
    for block in backbone.encoder_blocks:
        words, _ = block(words, sequence_mask=words_mask)
    for block in backbone.decoder_blocks:
        regions, _ = block(
            regions, words, sequence_mask=mask, context_mask=words_mask
        )
    question, _ = backbone.words_pooling(words, sequence_mask=words_mask)
    image, _ = backbone.regions_pooling(regions, sequence_mask=mask)
    expected = ops.convert_to_numpy(backbone.fused_norm(question + image))
    fused = run(backbone, records)["fused"]
    np.testing.assert_allclose(fused, expected, atol=1e-5)


@pytest.mark.parametrize("position_grid", [None, (2, 3)])
def test_place_matters_with_positions_only(records, position_grid):
    backbone = TransformerBackbone(**SIZES, position_grid=position_grid)
    records["regions_mask"][:] = 1
    fused = run(backbone, records)["fused"]
    records["regions"] = records["regions"][:, ::-1]
    change = np.abs(run(backbone, records)["fused"] - fused).max()
    assert change > 1e-2 if position_grid else change < 1e-4


def test_config_keeps_the_grid():
    backbone = TransformerBackbone(**SIZES, position_grid=[2, 3])
    twin = TransformerBackbone.from_config(backbone.get_config())
    assert twin.position_grid == (2, 3)
    assert twin.get_config() == backbone.get_config()


def test_rejects_regions_that_are_not_the_grid(records, encoder):
    backbone = TransformerBackbone(**SIZES, position_grid=(2, 4))
    with pytest.raises(ValueError, match=r"must be the 8 cells"):
        backbone(records)
    with pytest.raises(ValueError, match=r"\(2, 3\)\. Received: \(3, 2\)"):
        TransformerBackbone(
            **SIZES, position_grid=(3, 2), image_encoder=encoder
        )


def test_rejects_no_layers():
    with pytest.raises(ValueError, match="`num_layers` must.* Received: 0"):
        TransformerBackbone(**SIZES | {"num_layers": 0})
