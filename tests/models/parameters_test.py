"""Every model has the parameters of its formula, many at the paper's sizes."""

import keras
import pytest

from vqa_keras import models

# Vocabulary, features, embedding, width, attention width, of small models.
V, C, E, D, K = 6, 8, 3, 4, 5
SMALL = {"vocabulary_size": V, "embedding_dim": E, "hidden_dim": D}
REGIONS = SMALL | {"regions_dim": C}
ATTENTION = REGIONS | {"attention_dim": K}
PYRAMID = SMALL | {"hidden_dim": 8, "grid_shapes": [(4, 6, 3), (2, 3, 5)]}


def dense(inputs, units, bias=True):
    return (inputs + bias) * units


def lstm(inputs, units):
    return 4 * dense(inputs + units, units)


def question(v=V, e=E, d=D):
    return v * e + 2 * lstm(e, d // 2)


def encoders(v=V, c=C, e=E, d=D):
    return question(v, e, d) + dense(c, d)


def hop(d=D, k=K, glimpses=1):
    return dense(d, k) + d * k + k * glimpses


def cnn_layers(heads, use_content):
    """Of two grids of widths 3 and 5, brought to 8 and scored in 4."""
    grids = dense(3, 8) + dense(5, 8) + dense(8, 4)
    if use_content:
        return grids + 8 * 4 + 4 * heads
    return grids + dense(4, heads * 2)


def co_attention(d=8, slots=3):
    return 2 * d * d + 2 * dense(2 * d, d) + 2 * slots * d


def summary(d=8, heads=2):
    return dense(d, d) + d * heads


def dual_hop(d, k):
    return 2 * (2 * dense(d, k) + k) + dense(d, d)


HIERARCHICAL = {
    "vocabulary_size": V,
    "regions_dim": C,
    "hidden_dim": D,
    "attention_dim": K,
    "final_dim": 7,
}
LEVELS = V * D + 6 * D * D + 3 * D + lstm(D, D) + dense(C, D)
ENCODINGS = dense(D, D) + dense(2 * D, D) + dense(2 * D, 7)
COUNTS = [
    ("QuestionOnly", {"vocabulary_size": 100}, question(100, 200, 1024)),
    (
        "Vanilla",
        {"vocabulary_size": 100},
        question(100, 200, 1024) + dense(1024, 1024) + dense(4096, 1024),
    ),
    ("Cosine", REGIONS, encoders()),
    ("Parametric", ATTENTION, encoders() + hop()),
    (
        "Parametric",
        ATTENTION | {"num_glimpses": 3},
        encoders() + hop(glimpses=3) + dense(3 * D, D),
    ),
    ("Stacked", ATTENTION | {"num_hops": 1}, encoders() + hop()),
    ("Stacked", ATTENTION | {"num_hops": 2}, encoders() + 2 * hop()),
    (
        "Stacked",
        ATTENTION | {"num_hops": 2, "share_weights": True},
        encoders() + hop(),
    ),
    ("Channel", ATTENTION, encoders() + hop()),
    *(
        (
            "SpatialChannel",
            ATTENTION | {"num_layers": layers},
            encoders()
            + layers * (K + D * K + 2 * K + hop())
            + (layers - 1) * dense(D, D)
            + D * D,
        )
        for layers in (1, 2)
    ),
    *(
        (
            "CNNLayer",
            PYRAMID
            | {"attention_dim": K, "use_content": content, "num_heads": 2},
            question(d=8) + cnn_layers(2, content) + hop(d=8),
        )
        for content in (False, True)
    ),
    *(
        (
            name,
            {"vocabulary_size": 10, "num_hops": hops},
            encoders(10, 2048, 500, 1024) + hops * 2 * hop(1024, 512),
        )
        for name in ("Independent", "JointlyConditioned")
        for hops in (1, 3)
    ),
    *(
        (
            "Dual",
            {"vocabulary_size": 10, "num_hops": hops},
            encoders(10, 2048, 512, 512)
            + dense(512, 512)
            + hops * dual_hop(512, 512),
        )
        for hops in (1, 2)
    ),
    ("Joint", ATTENTION, encoders() + D * D + 2 * D * K + 2 * K),
    ("Joint", REGIONS | {"attention_dim": None}, encoders() + D * D),
    (
        "Hierarchical",
        HIERARCHICAL,
        LEVELS + 3 * (D * D + 2 * D * K + 2 * K) + ENCODINGS,
    ),
    (
        "Hierarchical",
        HIERARCHICAL | {"alternating": True},
        LEVELS + 3 * (5 * D * K + 3 * K) + ENCODINGS,
    ),
    *(
        (
            "DenseSymmetric",
            PYRAMID | {"num_heads": 2, "num_layers": layers},
            question(d=8)
            + cnn_layers(2, use_content=False)
            + layers * co_attention()
            + 2 * summary(),
        )
        for layers in (1, 3)
    ),
    (
        "Multilevel",
        {"vocabulary_size": 100},
        encoders(100, 2048, 500, 1024)
        + 2 * lstm(1024, 1024)
        + (dense(1024, 256) + 256 * 500)  # the concepts
        + (dense(500, 500) + 500 * 512 + dense(1024, 512) + 512)
        + hop(1024, 512)
        + (3 * dense(1024, 1024) + dense(500, 1024)),
    ),
    (
        "IntraInter",
        {"vocabulary_size": 100},
        encoders(100, 2048, 300, 512)
        + (6 * dense(512, 512) + 2 * dense(1024, 512))
        + (6 * dense(512, 512) + 4 * dense(512, 512)),
    ),
]


@pytest.fixture
def _shapes_only():
    """Variables without values: to draw many at paper sizes takes seconds."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    # Or the next scope that ends draws them.
    keras.utils.clear_session(free_memory=False)


@pytest.mark.usefixtures("_shapes_only")
@pytest.mark.parametrize(("name", "arguments", "expected"), COUNTS)
def test_parameters_are_those_of_the_formula(name, arguments, expected):
    backbone = getattr(models, f"{name}Backbone")(**arguments)
    assert backbone.count_params() == expected


def test_a_transformer_has_the_parameters_of_the_paper():
    task = models.VQA(
        models.TransformerBackbone(2), num_classes=3129, hidden_dim=None
    )
    assert task.count_params() - 2 * 300 == 51_638_843
