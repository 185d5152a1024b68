import numpy as np
from keras import ops

from vqa_keras.layers import SelfAttentionContextualizer
from vqa_keras.models import VanillaBackbone

SMALL = {
    "vocabulary_size": 9,
    "regions_dim": 5,
    "embedding_dim": 3,
    "hidden_dim": 8,
}
INPUTS = {
    "regions": np.random.default_rng(0).normal(size=(2, 4, 5)),
    "regions_mask": np.array([[1, 1, 1, 0], [1, 1, 1, 1]], "int32"),
    "token_ids": np.array([[2, 3, 0], [4, 5, 6]], "int32"),
}


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_parameters_at_the_papers_size():
    backbone = VanillaBackbone(vocabulary_size=100)
    question = 100 * 200 + 2 * 4 * 512 * (200 + 512 + 1)
    fusion = 1024 * (1024 + 1) + 1024 * (4096 + 1)
    assert backbone.count_params() == question + fusion


def test_there_is_no_attention_but_the_contextualizers():
    assert VanillaBackbone(**SMALL)(INPUTS)["attention"] == {}
    backbone = VanillaBackbone(
        **SMALL, contextualizer=SelfAttentionContextualizer()
    )
    (name,) = backbone(INPUTS)["attention"]
    assert name == "regions_to_regions_context"


def test_fused_is_the_product_of_the_question_and_the_mean_region():
    lengths = np.array([[3], [4]])
    for normalize in (False, True):
        backbone = VanillaBackbone(**SMALL, normalize_regions=normalize)
        question, _, _ = backbone.question_encoder(INPUTS["token_ids"])
        regions = INPUTS["regions"]
        if normalize:
            regions = unit(regions)
        regions = regions * INPUTS["regions_mask"][..., None]
        image = unit(regions.sum(axis=1) / lengths)
        np.testing.assert_allclose(
            ops.convert_to_numpy(backbone(INPUTS)["fused"]),
            ops.convert_to_numpy(backbone.fusion(question, image)),
            atol=1e-5,
        )


def test_a_contextualizer_gets_projected_regions():
    context = SelfAttentionContextualizer(exclude_self=True)
    backbone = VanillaBackbone(**SMALL, contextualizer=context)
    question, _, _ = backbone.question_encoder(INPUTS["token_ids"])
    regions, _ = context(
        backbone.region_encoder(INPUTS["regions"]),
        regions_mask=INPUTS["regions_mask"],
    )
    image = unit(ops.convert_to_numpy(regions).sum(axis=1))
    np.testing.assert_allclose(
        ops.convert_to_numpy(backbone(INPUTS)["fused"]),
        ops.convert_to_numpy(backbone.fusion(question, image)),
        atol=1e-5,
    )
