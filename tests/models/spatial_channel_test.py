import numpy as np
import pytest
from keras import ops

from vqa_keras.models import SpatialChannelBackbone

V, C, E, D, K = 6, 8, 3, 4, 5


def array(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("channel_first", [True, False])
def test_is_its_attentions_with_residual_stages_between(records, channel_first):
    backbone = SpatialChannelBackbone(V, C, E, D, K, 3, channel_first)
    outputs = backbone(records)
    mask = records["regions_mask"]
    question, _, _ = backbone.question_encoder(records["token_ids"])
    regions = backbone.region_encoder(records["regions"])
    expected = {}
    for layer, attend in enumerate(backbone.attentions, start=1):
        assert attend.channel_first == channel_first
        attended, weights = attend(question, regions, regions_mask=mask)
        expected[f"channels_{layer}"], expected[f"hop_{layer}"] = weights
        if layer < 3:
            stage = backbone.residual_denses[layer - 1]
            regions = ops.relu(regions + stage(attended))

    assert list(outputs["attention"]) == list(expected)
    for name, weights in expected.items():
        np.testing.assert_allclose(
            array(outputs["attention"][name]), array(weights), atol=1e-6
        )
    image = array(attended).sum(axis=1)  # the direction of the mean
    image /= np.linalg.norm(image, axis=1, keepdims=True)
    fused = array(question) + image @ array(backbone.image_dense.kernel)
    np.testing.assert_allclose(array(outputs["fused"]), fused, atol=1e-5)


@pytest.mark.parametrize("num_layers", [1, 2])
def test_parameters_are_those_of_the_formula(num_layers):
    lstm = 4 * (D // 2) * (E + D // 2 + 1)
    front = V * E + 2 * lstm + C * D + D
    attention = (K + D * K + 2 * K) + (D * K + D * K + 2 * K)
    stages = (num_layers - 1) * (D * D + D)
    backbone = SpatialChannelBackbone(V, C, E, D, K, num_layers)
    assert backbone.count_params() == (
        front + num_layers * attention + stages + D * D
    )


def test_an_image_without_regions_gives_the_question(records):
    records["regions_mask"][:] = 0
    backbone = SpatialChannelBackbone(V, C, E, D, K)
    question, _, _ = backbone.question_encoder(records["token_ids"])
    np.testing.assert_array_equal(
        array(backbone(records)["fused"]), array(question)
    )


def test_rejects_no_layers():
    with pytest.raises(ValueError, match="`num_layers` must.* Received: 0"):
        SpatialChannelBackbone(V, C, E, D, K, num_layers=0)
