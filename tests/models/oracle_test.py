"""Every model computes its formula, from token ids to logits."""

from functools import partial

import numpy as np
import pytest
from keras import ops

from tests.models import oracle
from vqa_keras import layers
from vqa_keras import models
from vqa_keras.attention_axes import attention_axes

SIZES = {"vocabulary_size": 6, "hidden_dim": 4}
REGIONS = {"embedding_dim": 3, "regions_dim": 8}
PYRAMID = {"embedding_dim": 3, "grid_shapes": [(4, 6, 5), (2, 3, 8)]}
ATTENTION = {"attention_dim": 9}
# What the shapes of the weights show: the oracle is not told.
ONLY_SIZES = {
    "QuestionOnly": REGIONS,
    "Vanilla": REGIONS,
    "Cosine": REGIONS,
    "Parametric": REGIONS | ATTENTION,
    "Stacked": REGIONS | ATTENTION,
    "Channel": REGIONS | ATTENTION,
    "SpatialChannel": REGIONS | ATTENTION,
    "CNNLayer": PYRAMID | ATTENTION,
    "Independent": REGIONS | ATTENTION,
    "JointlyConditioned": REGIONS | ATTENTION,
    "Dual": REGIONS | ATTENTION,
    "Joint": REGIONS,
    "Hierarchical": ATTENTION | {"regions_dim": 8, "final_dim": 11},
    "DenseSymmetric": PYRAMID,
    "Multilevel": REGIONS | ATTENTION | {"num_concepts": 10},
    "IntraInter": REGIONS,
    "Transformer": REGIONS | {"intermediate_dim": 6, "output_dim": 5},
}
HEADS = {"num_heads": 2, "num_layers": 2}
# What the formula is: for the model and for the oracle.
FORMULAS = [
    ("QuestionOnly", {}),
    ("Vanilla", {}),
    ("Vanilla", {"normalize_image": False}),
    ("Cosine", {}),
    ("Cosine", {"normalize": True, "temperature": 3.0}),
    ("Parametric", {}),
    ("Parametric", {"num_glimpses": 2}),
    ("Stacked", {"num_hops": 3}),
    ("Stacked", {"num_hops": 3, "share_weights": True}),
    ("Channel", {}),
    ("SpatialChannel", {"num_layers": 3}),
    ("SpatialChannel", {"num_layers": 2, "channel_first": False}),
    ("SpatialChannel", {"normalize_image": False}),
    ("CNNLayer", {"num_heads": 3}),
    ("CNNLayer", {"num_heads": 3, "use_content": False}),
    ("CNNLayer", {"normalize_regions": False}),
    ("Independent", {"num_hops": 2}),
    ("JointlyConditioned", {"num_hops": 2}),
    ("JointlyConditioned", {"num_hops": 2, "use_product": True}),
    ("Dual", {"num_hops": 2}),
    ("Joint", ATTENTION),
    ("Joint", {"attention_dim": None, "temperature": 5.0}),
    ("Hierarchical", {}),
    ("Hierarchical", {"alternating": True}),
    ("DenseSymmetric", HEADS),
    ("DenseSymmetric", HEADS | {"normalize_regions": False}),
    ("DenseSymmetric", {"num_heads": 1, "num_layers": 1, "num_null_slots": 0}),
    ("Multilevel", {}),
    ("IntraInter", {"num_heads": 2, "num_blocks": 2}),
    ("Transformer", HEADS),
    ("Transformer", HEADS | {"position_grid": (2, 3)}),
]
# Standard deviations of the random weights other than 1. At 1 the scores of
# DFAF's second block, of gated queries and keys, reach 2e6, at 0.5 they reach
# 92: one-hot softmaxes hide what is before them, and float32 has 7 digits.
DEVIATIONS = {"IntraInter": 0.5}
CONTEXTS = {
    "none": (lambda: None, None),
    "self-attention": (
        lambda: layers.SelfAttentionContextualizer(name="context"),
        oracle.self_attention,
    ),
    "projected": (
        lambda: layers.SelfAttentionContextualizer(4, 2, name="context"),
        partial(oracle.self_attention, projected=True, num_heads=2),
    ),
    "BiLSTM": (
        lambda: layers.BiLSTMContextualizer(2, name="context"),
        partial(oracle.bilstm, num_layers=2),
    ),
}


def make_task(backbone, hidden_dim):
    return models.VQA(backbone, num_classes=3, hidden_dim=hidden_dim)


@pytest.fixture
def records(records):
    """Padding also between regions, an image and a question of nothing else."""
    rows = [0, 1, 2, 0, 1]
    records = {name: values[rows] for name, values in records.items()}
    records["regions_mask"][1] = [1, 0, 1, 1, 0, 1]
    records["regions_mask"][3] = 0
    records["token_ids"][4] = 0
    records["token_ids"] = np.pad(records["token_ids"], [(0, 0), (0, 2)])
    rng = np.random.default_rng(2)
    for name, (height, width, channels) in zip(
        ("grid_1", "grid_2"), PYRAMID["grid_shapes"], strict=True
    ):
        grid = rng.normal(size=(5, height, width, channels))
        records[name] = grid.astype("float16")
    return records


def compare(name, formula, records, context="none", hidden_dim=7, **arguments):
    """Compares logits and attention of one model with the oracle's."""
    make_context, expected_context = CONTEXTS[context]
    backbone = getattr(models, f"{name}Backbone")(
        **{**SIZES, **ONLY_SIZES[name], **formula, **arguments},
        contextualizer=make_context(),
    )
    task = make_task(backbone, hidden_dim)
    rng = np.random.default_rng(1)
    deviation = DEVIATIONS.get(name, 1.0)
    for weight in task.weights:
        weight.assign(rng.normal(scale=deviation, size=weight.shape))
    weights = oracle.Weights(
        {w.path: ops.convert_to_numpy(w) for w in task.weights}
    )
    model = getattr(oracle, name)(
        weights,
        expected_context,
        hidden_layer=hidden_dim is not None,
        **formula,
        **arguments,
    )
    batch = {key: records[key] for key in task.input}
    outputs = task.backbone(batch, training=False)
    logits = ops.convert_to_numpy(task.head(outputs["fused"]))
    found = {
        key: ops.convert_to_numpy(values)
        for key, values in outputs["attention"].items()
    }
    for row, record in enumerate(oracle.questions(batch)):
        expected_logits, attention = model.answer(record)
        np.testing.assert_allclose(
            logits[row], expected_logits, rtol=1e-5, atol=1e-5
        )
        assert set(found) == set(attention)
        if context == "none":
            assert list(found) == list(attention)
        for key, expected in attention.items():
            padded = pad(key, expected, record, found[key][row].shape)
            np.testing.assert_allclose(
                found[key][row], padded, rtol=1e-5, atol=1e-5, err_msg=key
            )
            assert (found[key][row][padded == 0] == 0).all(), key
    assert not weights.unread


def pad(key, weights, record, shape):
    """Places weights of valid positions as in the batch, with 0 elsewhere."""
    real = {"words": np.arange(len(record["token_ids"]))}
    if "cells" in record:
        real["regions"] = record["cells"]
    axes = attention_axes(key, weights.ndim)
    places = [
        real.get(axis, np.arange(size))
        for axis, size in zip(axes, weights.shape, strict=True)
    ]
    padded = np.zeros(shape)
    padded[np.ix_(*places)] = weights
    return padded


def first_formula(name):
    return next(formula for n, formula in FORMULAS if n == name)


@pytest.mark.parametrize(("name", "formula"), FORMULAS)
def test_logits_and_attention_are_those_of_the_formula(name, formula, records):
    compare(name, formula, records)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        name
        for name, sizes in ONLY_SIZES.items()
        if "regions_dim" in sizes and name != "QuestionOnly"
    ],
)
def test_normalized_regions_are_of_length_one(name, records):
    compare(name, first_formula(name), records, normalize_regions=True)


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("Vanilla", "self-attention"),
        ("Stacked", "projected"),
        ("Dual", "BiLSTM"),
        ("Multilevel", "projected"),
        ("CNNLayer", "self-attention"),
    ],
)
def test_a_contextualizer_comes_before_all_attention(name, context, records):
    compare(name, first_formula(name), records, context)


def test_a_head_without_a_hidden_layer_is_one_projection(records):
    compare("Cosine", {}, records, hidden_dim=None)


def test_the_table_holds_every_backbone():
    known = {n for n in dir(models) if n.endswith("Backbone")}
    bases = {"VQABackbone", "PyramidBackbone"}
    assert known - bases == {f"{name}Backbone" for name, _ in FORMULAS}
