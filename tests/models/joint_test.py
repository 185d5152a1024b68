import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.models import JointBackbone

V, C, E, D, K = 6, 8, 3, 4, 5
FORMS = [{"attention_dim": K}, {"attention_dim": None, "temperature": 5.0}]


def make_backbone(**arguments):
    backbone = JointBackbone(
        V, regions_dim=C, embedding_dim=E, hidden_dim=D, **arguments
    )
    rng = np.random.default_rng(1)
    for weight in backbone.trainable_weights:
        weight.assign(rng.normal(size=weight.shape))
    return backbone


def arrays(tensors):
    return [ops.convert_to_numpy(t) for t in tensors]


@pytest.mark.parametrize("arguments", FORMS)
def test_is_its_layers_and_the_sum_of_what_they_find(records, arguments):
    backbone = make_backbone(**arguments)
    outputs = backbone(records)
    _, words, words_mask = backbone.question_encoder(records["token_ids"])
    filtered, weights = backbone.joint_co_attention(
        words,
        backbone.region_encoder(records["regions"]),
        words_mask=words_mask,
        regions_mask=records["regions_mask"],
    )
    attention = outputs["attention"]
    assert list(attention) == ["hop_1", "words_1", "affinity_1"]
    names = ["words_1", "hop_1", "affinity_1"]
    for name, expected in zip(names, arrays(weights), strict=True):
        found = ops.convert_to_numpy(attention[name])
        np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(
        ops.convert_to_numpy(outputs["fused"]),
        sum(arrays(filtered)),
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("arguments", "attention"),
    [(FORMS[0], D * D + 2 * D * K + 2 * K), (FORMS[1], D * D)],
)
def test_parameters_are_those_of_the_formulas(arguments, attention):
    lstm = 4 * (E * D // 2 + D // 2 * D // 2 + D // 2)
    front = V * E + 2 * lstm + C * D + D
    assert make_backbone(**arguments).count_params() == front + attention


def test_regions_are_projected_without_activation():
    region_encoder = make_backbone(attention_dim=K).region_encoder
    assert region_encoder.activation is keras.activations.linear
