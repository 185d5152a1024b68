import numpy as np
import pytest
from keras import ops

from vqa_keras.models import HierarchicalBackbone

V, C, D, K, F = 6, 8, 4, 5, 7
LEVELS = ("word", "phrase", "question")
both_kinds = pytest.mark.parametrize(
    ("alternating", "third"), [(False, "affinity"), (True, "words_start")]
)


def make_backbone(alternating=False):
    backbone = HierarchicalBackbone(
        V,
        regions_dim=C,
        hidden_dim=D,
        attention_dim=K,
        final_dim=F,
        alternating=alternating,
        dropout=0.5,
    )
    rng = np.random.default_rng(1)
    for weight in backbone.trainable_weights:
        weight.assign(rng.normal(0, 0.5, weight.shape))
    return backbone


@both_kinds
def test_each_level_attends_and_is_encoded_with_the_one_below(
    records, alternating, third
):
    backbone = make_backbone(alternating)
    outputs = backbone(records, training=False)
    token_ids = records["token_ids"]
    mask = (token_ids != 0).astype("int32")
    words = ops.tanh(backbone.word_embedding(token_ids))
    words = words * mask[..., None]  # zeros at padding
    phrases = backbone.phrase_encoder(words, words_mask=mask)
    states = backbone.question_lstm(phrases) * mask[..., None]
    regions = backbone.region_encoder(records["regions"], training=False)
    below, expected = [], {}
    for level, sequence in zip(LEVELS, (words, phrases, states), strict=True):
        (question, image), weights = backbone.get_layer(
            f"{level}_co_attention"
        )(
            sequence,
            regions,
            words_mask=mask,
            regions_mask=records["regions_mask"],
        )
        dense = backbone.get_layer(f"{level}_dense")
        below = [dense(ops.concatenate([question + image, *below], axis=-1))]
        expected[f"hop_{level}"] = weights[1]
        expected[f"words_{level}"] = weights[0]
        expected[f"{third}_{level}"] = weights[2]
    assert list(outputs["attention"]) == list(expected)
    for name, weights in expected.items():
        np.testing.assert_allclose(
            ops.convert_to_numpy(outputs["attention"][name]),
            ops.convert_to_numpy(weights),
            atol=1e-6,
        )
    np.testing.assert_allclose(
        ops.convert_to_numpy(outputs["fused"]),
        ops.convert_to_numpy(below[0]),
        atol=1e-6,
    )


@both_kinds
def test_parameters_are_those_of_the_formulas(alternating, third):
    attention = (5 * D + 3) * K if alternating else (D + 2 * K) * D + 2 * K
    question = V * D + 6 * D * D + 3 * D + 4 * (2 * D * D + D)
    encodings = (D * D + D) + (2 * D * D + D) + (2 * D * F + F)
    expected = question + C * D + D + 3 * attention + encodings
    assert make_backbone(alternating).count_params() == expected
