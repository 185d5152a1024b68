import numpy as np
import pytest
from keras import ops

from vqa_keras.models import DualBackbone


@pytest.fixture
def make_backbone():
    def make_backbone(**arguments):
        backbone = DualBackbone(
            vocabulary_size=6,
            regions_dim=8,
            embedding_dim=3,
            hidden_dim=4,
            attention_dim=5,
            **arguments,
        )
        rng = np.random.default_rng(1)
        for weight in backbone.weights:
            weight.assign(rng.normal(size=weight.shape))
        return backbone

    return make_backbone


def test_is_its_layers_one_after_the_other(make_backbone, records):
    backbone = make_backbone(num_hops=2)
    outputs = backbone(records)
    attention = outputs["attention"]
    assert list(attention) == ["words_1", "hop_1", "words_2", "hop_2"]

    _, words, words_mask = backbone.question_encoder(records["token_ids"])
    regions = backbone.region_encoder(records["regions"].astype("float32"))
    memory, weights = backbone.dual_attention(
        words,
        regions,
        words_mask=words_mask,
        regions_mask=records["regions_mask"],
    )
    expected = {"fused": memory}
    for side, of_side in zip(("words", "hop"), weights, strict=True):
        expected |= {f"{side}_{j + 1}": of_side[:, j] for j in range(2)}
    for name, found in {"fused": outputs["fused"], **attention}.items():
        np.testing.assert_allclose(
            ops.convert_to_numpy(found),
            ops.convert_to_numpy(expected[name]),
            atol=1e-6,
        )


@pytest.mark.parametrize("num_hops", [1, 2])
def test_parameters_are_those_of_the_formula(num_hops):
    v, c, e, d, k = 10, 2048, 512, 512, 512
    lstm = 4 * (d // 2) * (e + d // 2 + 1)
    image = (d + 1) * d
    without_hops = v * e + 2 * lstm + (c + 1) * d + image
    one_hop = 2 * (2 * (d + 1) * k + k) + image
    backbone = DualBackbone(v, num_hops=num_hops)
    assert backbone.count_params() == without_hops + num_hops * one_hop


def test_has_two_hops_by_default(make_backbone):
    assert make_backbone().num_hops == 2


def test_a_question_without_a_word_gives_zeros(make_backbone, records):
    records["token_ids"][:] = 0
    outputs = make_backbone()(records)
    assert (ops.convert_to_numpy(outputs["fused"]) == 0).all()
