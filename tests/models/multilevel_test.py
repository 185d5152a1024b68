import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import SelfAttentionContextualizer
from vqa_keras.models import MultilevelBackbone

SMALL = {
    "vocabulary_size": 9,
    "regions_dim": 5,
    "embedding_dim": 3,
    "hidden_dim": 8,
    "attention_dim": 6,
    "num_concepts": 7,
}
INPUTS = {
    "regions": np.random.default_rng(0).normal(size=(2, 4, 5)),
    "regions_mask": np.array([[1, 1, 1, 0], [1, 1, 1, 1]], "int32"),
    "token_ids": np.array([[2, 3, 0], [4, 5, 6]], "int32"),
}


def test_parameters_of_the_defaults():
    backbone = MultilevelBackbone(vocabulary_size=100)
    e, d, k, c = 500, 1024, 512, 256
    question = 100 * e + 2 * 4 * (d // 2) * (e + d // 2 + 1)
    regions = 2048 * d + d
    context = 2 * 4 * d * (d + d + 1)
    detector = d * c + c + c * e
    semantic = (e * e + e) + (e * k) + (d * k + k) + k
    hop = 2 * d * k + 2 * k
    fusion = 3 * (d * d + d) + (e * d + d)
    assert backbone.count_params() == (
        question + regions + context + detector + semantic + hop + fusion
    )


def test_attends_to_regions_and_concepts():
    attention = MultilevelBackbone(**SMALL)(INPUTS)["attention"]
    shapes = {name: tuple(w.shape) for name, w in attention.items()}
    assert shapes == {"hop_1": (2, 4), "concepts_1": (2, 7)}
    for weights in attention.values():
        weights = ops.convert_to_numpy(weights)
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("own", [True, False])
def test_fused_is_the_papers_two_levels(own):
    context = None if own else SelfAttentionContextualizer()
    backbone = MultilevelBackbone(**SMALL, contextualizer=context)
    mask = INPUTS["regions_mask"]
    question, _, _ = backbone.question_encoder(INPUTS["token_ids"])
    regions = backbone.region_encoder(INPUTS["regions"])
    concepts, probabilities = backbone.concept_detector(
        regions, regions_mask=mask
    )
    seen, concepts_1 = backbone.semantic_attention(
        question, concepts, probabilities
    )
    if own:
        regions = backbone.bilstm_contextualizer(regions, regions_mask=mask)
    else:
        regions, _ = context(regions, regions_mask=mask)
    filtered, hop_1 = backbone.parametric_attention(
        question, regions, regions_mask=mask
    )
    outputs = backbone(INPUTS)
    expected = {
        "fused": np.concatenate(
            [
                np.tanh(backbone.concepts_fusion(question, seen)),
                np.tanh(backbone.regions_fusion(question, filtered)),
            ],
            axis=1,
        ),
        "concepts_1": concepts_1,
        "hop_1": hop_1,
    }
    for name, values in expected.items():
        found = outputs[name] if name == "fused" else outputs["attention"][name]
        np.testing.assert_allclose(
            ops.convert_to_numpy(found), ops.convert_to_numpy(values), atol=1e-5
        )


def test_rejects_no_concepts():
    with pytest.raises(ValueError, match="`num_concepts` must.* Received: 0"):
        MultilevelBackbone(**SMALL | {"num_concepts": 0})
