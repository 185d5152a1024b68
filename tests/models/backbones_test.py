"""The contract of every backbone, for any mechanism."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.conftest import cheap_eagerly
from vqa_keras import models
from vqa_keras.attention_axes import attention_axes
from vqa_keras.layers import BiLSTMContextualizer
from vqa_keras.layers import SelfAttentionContextualizer

COMMON = {"vocabulary_size": 6, "hidden_dim": 4}
WORDS = {"embedding_dim": 3}
ATTENTION = {"attention_dim": 5}
HOPS = ATTENTION | {"num_hops": 2}
LAYERS = {"num_heads": 2, "num_layers": 2}
PYRAMID = {"grid_shapes": [(4, 6, 5), (2, 3, 8)]}
# Smallest arguments of every backbone, and the names of its attention.
BACKBONES = {
    "QuestionOnly": (WORDS, ""),
    "Vanilla": (WORDS, ""),
    "Cosine": (WORDS, "regions_1"),
    "Parametric": (WORDS | ATTENTION | {"num_glimpses": 2}, "regions_1"),
    "Stacked": (WORDS | ATTENTION, "regions_1 regions_2"),
    "Channel": (WORDS | ATTENTION, "channels_1 regions_1"),
    "SpatialChannel": (
        WORDS | ATTENTION,
        "channels_1 channels_2 regions_1 regions_2",
    ),
    "CNNLayer": (PYRAMID | WORDS | ATTENTION, "cnn_layers_1 regions_1"),
    "Independent": (WORDS | HOPS, "regions_1 regions_2 words_1 words_2"),
    "JointlyConditioned": (WORDS | HOPS, "regions_1 regions_2 words_1 words_2"),
    "Dual": (WORDS | ATTENTION, "regions_1 regions_2 words_1 words_2"),
    "Joint": (WORDS | ATTENTION, "affinity_1 regions_1 words_1"),
    "Hierarchical": (
        ATTENTION | {"final_dim": 7},
        "affinity_phrase affinity_question affinity_word regions_phrase "
        "regions_question regions_word words_phrase words_question words_word",
    ),
    "DenseSymmetric": (
        PYRAMID | WORDS | LAYERS,
        "cnn_layers_1 regions_1 regions_to_words_1 regions_to_words_2 words_1 "
        "words_to_regions_1 words_to_regions_2",
    ),
    "Multilevel": (
        WORDS | ATTENTION | {"num_concepts": 5},
        "concepts_1 regions_1",
    ),
    "IntraInter": (
        WORDS | {"num_heads": 2},
        "regions_to_regions_1 regions_to_words_1 words_to_regions_1 "
        "words_to_words_1",
    ),
    "Transformer": (
        WORDS | LAYERS | {"intermediate_dim": 6, "output_dim": 5},
        "regions_1 regions_to_regions_1 regions_to_regions_2 "
        "regions_to_words_1 regions_to_words_2 words_1 "
        "words_to_words_1 words_to_words_2",
    ),
}
# Whose result depends on the order of the regions: they read them one by one.
ORDERED = {"Multilevel"}
PYRAMIDS = {n for n, (sizes, _) in BACKBONES.items() if "grid_shapes" in sizes}
every_backbone = pytest.mark.parametrize("name", BACKBONES)


@pytest.fixture
def make_backbone():
    """Returns `make_backbone(name, **arguments)`, with random weights."""

    def make_backbone(name, **arguments):
        own, _ = BACKBONES[name]
        if "grid_shapes" not in own and "image_encoder" not in arguments:
            arguments["regions_dim"] = 8
        backbone_class = getattr(models, f"{name}Backbone")
        backbone = backbone_class(**{**COMMON, **own, **arguments})
        rng = np.random.default_rng(2)
        for weight in sorted(backbone.trainable_weights, key=lambda w: w.path):
            weight.assign(rng.normal(scale=0.5, size=weight.shape))
        return backbone

    return make_backbone


@pytest.fixture
def inputs(records):
    """Returns `inputs(backbone)`, a batch of the backbone's inputs."""

    def inputs(backbone):
        grids = [name for name in backbone.input if "grid_" in name]
        if not grids:
            return records
        rng = np.random.default_rng(0)
        return {
            name: rng.normal(size=(3, *backbone.input[name].shape[1:])).astype(
                "float16"
            )
            for name in grids
        } | {"token_ids": records["token_ids"]}

    return inputs


def run(backbone, inputs):
    outputs = backbone(inputs, training=False)
    return keras.tree.map_structure(
        lambda t: ops.convert_to_numpy(ops.cast(t, "float32")), outputs
    )


def real(axis, inputs, size):
    """Returns the mask of an axis of the attention, bool `(B, size)`."""
    name = {"words": "token_ids", "regions": "regions_mask"}.get(axis)
    mask = inputs.get(name)
    if mask is None:
        return np.ones((3, size), bool)
    return mask != 0


@every_backbone
def test_attention_has_its_names_its_shapes_and_its_sums(
    make_backbone, inputs, name
):
    backbone = make_backbone(name)
    batch = inputs(backbone)
    attention = run(backbone, batch)["attention"]
    assert sorted(attention) == BACKBONES[name][1].split()
    for key, weights in attention.items():
        axes = attention_axes(key, weights.ndim - 1)
        keep = real(axes[-1], batch, weights.shape[-1])
        spread = (3,) + (1,) * (weights.ndim - 2) + (weights.shape[-1],)
        assert (np.where(keep.reshape(spread), 0, weights) == 0).all(), key
        if key.startswith("affinity"):
            assert np.abs(weights).max() <= 1
            continue
        sums = weights.sum(axis=-1)
        if len(axes) > 1 and axes[-2] != "heads":  # some that ask are padding
            asking = real(axes[-2], batch, sums.shape[-1])
            spread = (3,) + (1,) * (sums.ndim - 2) + (sums.shape[-1],)
            sums = sums[np.broadcast_to(asking.reshape(spread), sums.shape)]
        if (
            name == "DenseSymmetric" and "_to_" in key
        ):  # null slots have the rest
            assert (sums <= 1 + 1e-5).all() and (sums > 0).all()
        else:
            np.testing.assert_allclose(sums, 1, atol=1e-5, err_msg=key)


@every_backbone
def test_more_padding_has_no_influence(make_backbone, inputs, name):
    backbone = make_backbone(name)
    batch = inputs(backbone)
    padded = {
        **batch,
        "token_ids": np.pad(batch["token_ids"], [(0, 0), (0, 4)]),
    }
    if "regions" in batch:
        regions = np.pad(batch["regions"], [(0, 0), (0, 3), (0, 0)])
        mask = np.pad(batch["regions_mask"], [(0, 0), (0, 3)])
        regions[mask == 0] = 1e3
        padded |= {"regions": regions, "regions_mask": mask}
    outputs, again = run(backbone, batch), run(backbone, padded)
    np.testing.assert_allclose(again["fused"], outputs["fused"], atol=1e-5)
    for key, weights in outputs["attention"].items():
        found = again["attention"][key]
        cut = found[tuple(slice(size) for size in weights.shape)]
        np.testing.assert_allclose(cut, weights, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", sorted(BACKBONES.keys() - ORDERED - PYRAMIDS))
def test_order_of_regions_does_not_matter(make_backbone, records, name):
    backbone = make_backbone(name)
    fused = run(backbone, records)["fused"]
    for key in ("regions", "regions_mask"):
        records[key] = records[key][:, [4, 2, 0, 5, 3, 1]]
    again = run(backbone, records)["fused"]
    np.testing.assert_allclose(again, fused, atol=1e-5)


@every_backbone
def test_the_question_and_unless_ignored_the_image_move_the_output(
    make_backbone, inputs, name
):
    backbone = make_backbone(name)
    batch = inputs(backbone)
    fused = run(backbone, batch)["fused"]
    for key, values in batch.items():
        if key == "regions_mask" or (name, key) == ("QuestionOnly", "regions"):
            continue
        if key == "token_ids":
            moved = np.where(values > 0, 6 - values, 0)
        else:
            moved = values + np.linspace(
                0, 1, values.shape[-1], dtype="float16"
            )
        other = run(backbone, {**batch, key: moved})["fused"]
        assert np.abs(other - fused)[0].max() > 1e-4, key


@pytest.mark.slow
@every_backbone
def test_half_precision_is_near_float32(make_backbone, inputs, name):
    full = make_backbone(name)
    batch = inputs(full)
    fused = run(full, batch)["fused"]
    for dtype in ("mixed_bfloat16", "mixed_float16"):
        half = make_backbone(name, dtype=dtype)
        half.set_weights(full.get_weights())
        halves = run(half, batch)["fused"]
        np.testing.assert_allclose(halves, fused, 0.1, 0.2, err_msg=dtype)


@pytest.mark.slow
@every_backbone
def test_no_region_and_no_known_word_give_finite_gradients(
    make_backbone, inputs, name
):
    backbone = make_backbone(name)
    batch = dict(inputs(backbone))
    if "regions" in batch:
        batch["regions_mask"] = np.zeros_like(batch["regions_mask"])
        batch["regions"] = np.zeros_like(batch["regions"])
    batch["token_ids"] = np.array([[0] * 5, [1, 0, 0, 0, 0], [1] * 5], "int32")
    model = keras.Model(backbone.input, backbone.output["fused"])
    model.compile("sgd", "mse", run_eagerly=cheap_eagerly())
    width = backbone.output["fused"].shape[-1]
    model.train_on_batch(batch, np.ones((3, width), "float32"))
    for weight in model.weights:
        assert np.isfinite(ops.convert_to_numpy(weight)).all(), weight.path


@pytest.mark.slow
@every_backbone
def test_comes_back_from_its_config_and_file(
    make_backbone, inputs, name, tmp_path
):
    part = None if name == "QuestionOnly" else SelfAttentionContextualizer(4)
    backbone = make_backbone(name, dropout=0.2, contextualizer=part)
    twin = type(backbone).from_config(backbone.get_config())
    assert twin.get_config() == backbone.get_config()
    backbone.save(tmp_path / "backbone.keras")
    twin = keras.saving.load_model(tmp_path / "backbone.keras")
    assert type(twin) is type(backbone)
    batch = inputs(backbone)
    found = run(twin, batch)
    assert ("regions_to_regions_context" in found["attention"]) == bool(part)
    np.testing.assert_array_equal(found["fused"], run(backbone, batch)["fused"])


@pytest.mark.parametrize("name", ["Vanilla", "Joint", "DenseSymmetric"])
def test_a_contextualizer_makes_regions_depend_on_each_other(
    make_backbone, inputs, name
):
    plain = make_backbone(name)
    backbone = make_backbone(name, contextualizer=BiLSTMContextualizer())
    assert backbone.count_params() > plain.count_params()
    batch = inputs(backbone)
    distance = run(backbone, batch)["fused"] - run(plain, batch)["fused"]
    assert np.abs(distance).max() > 1e-3


@pytest.mark.slow
@every_backbone
def test_pixels_and_their_features_give_equal_outputs(
    make_backbone, encoder, raw, name
):
    backbone = make_backbone(name)
    if "grid_1" in backbone.input:
        pyramid = {
            "early": encoder.get_layer("rescaling").output,
            "late": encoder.output,
        }
        encoder = keras.Model(encoder.input, pyramid)
        backbone = make_backbone(name, grid_shapes=[(4, 6, 3), (2, 3, 8)])
    images = raw["images"][:, :4, :6].astype("float32")
    token_ids = np.array([[2, 3, 0], [4, 0, 0], [5, 5, 5]], "int32")
    grids = keras.tree.map_structure(ops.convert_to_numpy, encoder(images))
    if isinstance(grids, dict):
        features = {"grid_1": grids["early"], "grid_2": grids["late"]}
    else:
        features = {
            "regions": grids.reshape(3, 6, 8),
            "regions_mask": np.ones((3, 6), "int32"),
        }
    seeing = backbone.with_image_encoder(encoder)
    assert seeing.grid_shape == (2, 3)
    expected = run(backbone, {**features, "token_ids": token_ids})
    found = run(seeing, {"images": images, "token_ids": token_ids})
    np.testing.assert_allclose(found["fused"], expected["fused"], atol=1e-5)
    again = seeing.without_image_encoder()
    found = run(again, {**features, "token_ids": token_ids})
    np.testing.assert_array_equal(found["fused"], expected["fused"])


def test_the_table_holds_every_backbone():
    known = {n for n in dir(models) if n.endswith("Backbone")}
    bases = {"VQABackbone", "PyramidBackbone"}
    assert known - bases == {f"{name}Backbone" for name in BACKBONES}
