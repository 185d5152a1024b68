import numpy as np
import pytest
from keras import ops

from vqa_keras.models import IntraInterBackbone

SMALL = {
    "vocabulary_size": 9,
    "regions_dim": 5,
    "embedding_dim": 3,
    "hidden_dim": 8,
    "num_heads": 2,
}
INPUTS = {
    "regions": np.random.default_rng(0).normal(size=(2, 4, 5)),
    "regions_mask": np.array([[1, 1, 1, 0], [1, 1, 1, 1]], "int32"),
    "token_ids": np.array([[2, 3, 0], [4, 5, 6]], "int32"),
}


def test_parameters_at_the_papers_size():
    backbone = IntraInterBackbone(vocabulary_size=100)
    dim, units = 512, 256
    words = 100 * 300 + 2 * 4 * (units * (300 + units) + units)
    regions = 2048 * dim + dim
    block = (10 * dim**2 + 8 * dim) + (10 * dim**2 + 10 * dim)
    assert backbone.count_params() == words + regions + block


def test_every_block_names_its_four_attentions():
    backbone = IntraInterBackbone(**SMALL, num_blocks=2)
    shapes = {
        name: weights.shape[1:]
        for name, weights in backbone(INPUTS)["attention"].items()
    }
    assert shapes == {
        f"{name}_{b}": shape
        for b in (1, 2)
        for name, shape in {
            "words_to_regions": (2, 3, 4),
            "regions_to_words": (2, 4, 3),
            "words_to_words": (2, 3, 3),
            "regions_to_regions": (2, 4, 4),
        }.items()
    }


def test_fused_is_the_product_of_the_means_after_all_blocks():
    backbone = IntraInterBackbone(**SMALL, num_blocks=2)
    _, words, words_mask = backbone.question_encoder(INPUTS["token_ids"])
    regions = backbone.region_encoder(INPUTS["regions"].astype("float32"))
    masks = {
        "words_mask": words_mask,
        "regions_mask": INPUTS["regions_mask"],
    }
    for inter, intra in zip(
        backbone.inter_modality_attention,
        backbone.intra_modality_attention,
        strict=True,
    ):
        (words, regions), _ = inter(words, regions, **masks)
        (words, regions), _ = intra(words, regions, **masks)
    means = [
        ops.convert_to_numpy(side).sum(axis=1) / np.array(lengths)[:, None]
        for side, lengths in [(words, (2, 3)), (regions, (3, 4))]
    ]
    fused = ops.convert_to_numpy(backbone(INPUTS)["fused"])
    np.testing.assert_allclose(fused, means[0] * means[1], atol=1e-5)


def test_rejects_no_blocks_and_heads_that_do_not_divide_the_width():
    with pytest.raises(ValueError, match="`num_blocks` must.* Received: 0"):
        IntraInterBackbone(**SMALL, num_blocks=0)
    with pytest.raises(ValueError, match="divides. Received: num_heads=3"):
        IntraInterBackbone(**SMALL | {"num_heads": 3})
