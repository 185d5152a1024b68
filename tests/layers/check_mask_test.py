"""A mask of the wrong shape is an error in every layer, never a broadcast."""

import inspect

import numpy as np
import pytest

from vqa_keras import layers

SIZES = {
    "AlternatingCoAttention": {"attention_dim": 3},
    "AttentionPooling": {"hidden_dim": 3, "output_dim": 2},
    "AttentionSummary": {},
    "BiLSTMContextualizer": {},
    "ChannelAttention": {},
    "ConceptDetector": {"num_concepts": 3, "embedding_dim": 2},
    "CosineAttention": {},
    "DenseCoAttention": {},
    "DualAttention": {"attention_dim": 3},
    "GridPositionEncoding": {"grid_shape": (2, 2)},
    "IndependentCoAttention": {"attention_dim": 3},
    "InterModalityAttention": {"num_heads": 2},
    "IntraModalityAttention": {"num_heads": 2},
    "JointCoAttention": {},
    "JointlyConditionedCoAttention": {"attention_dim": 3},
    "MultiHeadAttention": {"num_heads": 2},
    "ParametricAttention": {"attention_dim": 3},
    "PhraseEncoder": {"hidden_dim": 3},
    "SelfAttentionContextualizer": {},
    "SemanticAttention": {"attention_dim": 3},
    "SpatialChannelAttention": {"attention_dim": 3},
    "StackedAttention": {"attention_dim": 3},
    "TransformerDecoderBlock": {"num_heads": 2, "intermediate_dim": 3},
    "TransformerEncoderBlock": {"num_heads": 2, "intermediate_dim": 3},
}


def masks_of(layer_class):
    names = inspect.signature(layer_class.call).parameters
    return [name for name in names if name.endswith("_mask")]


def test_the_table_holds_every_layer_with_a_mask():
    found = {
        name
        for name, layer_class in vars(layers).items()
        if isinstance(layer_class, type) and masks_of(layer_class)
    }
    assert found == set(SIZES)


@pytest.mark.parametrize("shape", [(2, 1), (2, 5), (2,), (2, 4, 1)])
@pytest.mark.parametrize("name", SIZES)
def test_a_mask_of_another_shape_is_refused(name, shape):
    layer_class = getattr(layers, name)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2, 4, 4)).astype("float32")
    arguments = {
        argument: vectors
        for argument in inspect.signature(layer_class.call).parameters
        if argument != "self" and not argument.endswith("_mask")
    }
    for argument in ("question", "probabilities"):
        if argument in arguments:
            arguments[argument] = vectors[:, 0]
    for mask in masks_of(layer_class):
        layer = layer_class(**SIZES[name])
        with pytest.raises(ValueError, match=r"_?mask.*must|must.*mask"):
            layer(**arguments, **{mask: np.ones(shape, "int32")})
