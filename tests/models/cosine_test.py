import numpy as np
import pytest
from keras import ops

from vqa_keras.models import CosineBackbone

V, C, E, D = 6, 8, 3, 4


@pytest.mark.parametrize("normalize", [False, True])
def test_is_its_layers_and_the_sum_of_question_and_find(records, normalize):
    backbone = CosineBackbone(V, C, E, D, normalize=normalize, temperature=3.0)
    assert backbone.cosine_attention.normalize == normalize
    assert backbone.cosine_attention.temperature == 3.0
    outputs = backbone(records)
    assert list(outputs["attention"]) == ["hop_1"]

    question, _, _ = backbone.question_encoder(records["token_ids"])
    filtered, weights = backbone.cosine_attention(
        question,
        backbone.region_encoder(records["regions"]),
        regions_mask=records["regions_mask"],
    )
    for found, expected in [
        (outputs["fused"], question + filtered),
        (outputs["attention"]["hop_1"], weights),
    ]:
        np.testing.assert_allclose(
            ops.convert_to_numpy(found),
            ops.convert_to_numpy(expected),
            atol=1e-6,
        )


def test_only_the_encoders_have_parameters():
    lstm = 4 * (D // 2) * (E + D // 2 + 1)
    expected = V * E + 2 * lstm + C * D + D
    assert CosineBackbone(V, C, E, D).count_params() == expected


def test_rejects_a_temperature_of_zero():
    with pytest.raises(ValueError, match="`temperature` must.* Received: 0"):
        CosineBackbone(V, C, E, D, temperature=0)
