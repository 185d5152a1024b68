import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.models import ParametricBackbone

V, C, E, D, K = 6, 8, 3, 4, 5


@pytest.mark.parametrize("num_glimpses", [1, 3])
def test_is_its_layers_and_the_sum_of_question_and_find(records, num_glimpses):
    backbone = ParametricBackbone(V, C, E, D, K, num_glimpses)
    outputs = backbone(records)
    assert list(outputs["attention"]) == ["hop_1"]

    question, _, _ = backbone.question_encoder(records["token_ids"])
    filtered, weights = backbone.parametric_attention(
        question,
        backbone.region_encoder(records["regions"]),
        regions_mask=records["regions_mask"],
    )
    if num_glimpses > 1:
        assert weights.shape == (3, num_glimpses, 6)
        filtered = backbone.glimpses_dense(filtered)
    for found, expected in [
        (outputs["fused"], question + filtered),
        (outputs["attention"]["hop_1"], weights),
    ]:
        np.testing.assert_allclose(
            ops.convert_to_numpy(found),
            ops.convert_to_numpy(expected),
            atol=1e-6,
        )


@pytest.mark.parametrize("num_glimpses", [1, 3])
def test_parameters_are_those_of_the_formula(num_glimpses):
    lstm = 4 * (D // 2) * (E + D // 2 + 1)
    front = V * E + 2 * lstm + C * D + D
    hop = 2 * D * K + K + K * num_glimpses
    glimpses = 0 if num_glimpses == 1 else num_glimpses * D * D + D
    backbone = ParametricBackbone(V, C, E, D, K, num_glimpses)
    assert backbone.count_params() == front + hop + glimpses


def test_regions_are_projected_without_activation():
    region_encoder = ParametricBackbone(V, C, E, D, K).region_encoder
    assert region_encoder.activation is keras.activations.linear
