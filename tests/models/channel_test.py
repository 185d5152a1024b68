import numpy as np
from keras import ops

from vqa_keras.models import ChannelBackbone
from vqa_keras.models import ParametricBackbone

V, C, E, D, K = 6, 8, 3, 4, 5


def test_is_its_layers_one_after_the_other(records):
    backbone = ChannelBackbone(V, C, E, D, K)
    outputs = backbone(records)
    assert list(outputs["attention"]) == ["channels_1", "hop_1"]

    mask = records["regions_mask"]
    question, _, _ = backbone.question_encoder(records["token_ids"])
    regions, channels = backbone.channel_attention(
        question,
        backbone.region_encoder(records["regions"]),
        regions_mask=mask,
    )
    filtered, weights = backbone.parametric_attention(
        question, regions, regions_mask=mask
    )
    for found, expected in [
        (outputs["fused"], question + filtered),
        (outputs["attention"]["channels_1"], channels),
        (outputs["attention"]["hop_1"], weights),
    ]:
        np.testing.assert_allclose(
            ops.convert_to_numpy(found),
            ops.convert_to_numpy(expected),
            atol=1e-6,
        )


def test_has_the_parameters_of_one_parametric_hop():
    expected = ParametricBackbone(V, C, E, D, K).count_params()
    assert ChannelBackbone(V, C, E, D, K).count_params() == expected
