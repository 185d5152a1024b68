import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.models import StackedBackbone


@pytest.fixture
def make_backbone():
    def make_backbone(**arguments):
        backbone = StackedBackbone(
            **{
                "vocabulary_size": 6,
                "regions_dim": 8,
                "embedding_dim": 3,
                "hidden_dim": 4,
                "attention_dim": 5,
                **arguments,
            }
        )
        rng = np.random.default_rng(1)
        for weight in backbone.trainable_weights:
            weight.assign(rng.normal(size=weight.shape))
        return backbone

    return make_backbone


def run(backbone, inputs):
    outputs = backbone(inputs, training=False)
    return keras.tree.map_structure(
        lambda t: ops.convert_to_numpy(ops.cast(t, "float32")), outputs
    )


class Oracle:
    """The formula in NumPy, one question at a time, in float64."""

    def __init__(self, backbone, hops):
        self.weights = {
            w.path: ops.convert_to_numpy(w).astype("float64")
            for w in backbone.weights
        }
        self.hops = hops
        self.normalize = backbone.normalize_regions

    def weight(self, end):
        (path,) = (p for p in self.weights if p.endswith(end))
        return self.weights[path]

    def lstm(self, name, words):
        kernel, recurrent, bias = (
            self.weight(f"{name}/lstm_cell/{part}")
            for part in ("kernel", "recurrent_kernel", "bias")
        )
        h = c = np.zeros(len(recurrent))
        for word in words:
            i, f, g, o = np.split(word @ kernel + h @ recurrent + bias, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        return h

    def answer(self, regions, mask, token_ids):
        words = self.weight("embeddings")[token_ids[token_ids > 0]]
        question = np.concatenate(
            [
                self.lstm("forward_lstm", words),
                self.lstm("backward_lstm", words[::-1]),
            ]
        )
        regions = regions[mask > 0].astype("float64")
        if self.normalize:
            regions = regions / np.linalg.norm(regions, axis=1, keepdims=True)
        # Of the two Dense layers of the name the backbone's is not in a hop.
        kernel, bias = (
            self.weights[f"regions_dense/{part}"] for part in ("kernel", "bias")
        )
        regions = np.tanh(regions @ kernel + bias)
        all_weights = []
        for hop in self.hops:
            hidden = np.tanh(
                regions @ self.weight(f"{hop}/regions_dense/kernel")
                + question @ self.weight(f"{hop}/question_dense/kernel")
                + self.weight(f"{hop}/question_dense/bias")
            )
            scores = np.exp(hidden @ self.weight(f"{hop}/score_dense/kernel"))
            weights = scores[:, 0] / scores.sum()
            question = question + weights @ regions
            all_weights.append(weights)
        return question, all_weights


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("normalize_regions", [False, True])
@pytest.mark.parametrize(
    ("share_weights", "hops"),
    [(False, ["hop_1", "hop_2", "hop_3"]), (True, ["hop"] * 3)],
)
def test_matches_the_formula(
    make_backbone, records, share_weights, hops, normalize_regions
):
    backbone = make_backbone(
        num_hops=3,
        share_weights=share_weights,
        normalize_regions=normalize_regions,
    )
    outputs = run(backbone, records)
    assert list(outputs["attention"]) == ["hop_1", "hop_2", "hop_3"]
    oracle = Oracle(backbone, hops)
    for b, mask in enumerate(records["regions_mask"]):
        fused, weights = oracle.answer(
            records["regions"][b], mask, records["token_ids"][b]
        )
        np.testing.assert_allclose(outputs["fused"][b], fused, atol=1e-5)
        for name, expected in zip(outputs["attention"], weights, strict=True):
            found = outputs["attention"][name][b]
            np.testing.assert_allclose(found[mask > 0], expected, atol=1e-5)
            assert (found[mask == 0] == 0).all()


@pytest.mark.parametrize("num_hops", [1, 2])
def test_parameters_are_those_of_the_formula(make_backbone, num_hops):
    v, c, e, d, k = 6, 8, 3, 4, 5
    lstm = 4 * (d // 2) * (e + d // 2 + 1)
    without_hops = v * e + 2 * lstm + (c + 1) * d
    one_hop = 2 * d * k + 2 * k
    for share_weights, hops in [(False, num_hops), (True, 1)]:
        backbone = make_backbone(num_hops=num_hops, share_weights=share_weights)
        assert backbone.count_params() == without_hops + hops * one_hop


@pytest.mark.parametrize("normalize_regions", [False, True])
def test_more_padding_has_no_influence(
    make_backbone, records, normalize_regions
):
    backbone = make_backbone(normalize_regions=normalize_regions)
    regions = np.pad(records["regions"], [(0, 0), (0, 3), (0, 0)])
    regions[:, 7] = 1e3
    padded = {
        "regions": regions,
        "regions_mask": np.pad(records["regions_mask"], [(0, 0), (0, 3)]),
        "token_ids": np.pad(records["token_ids"], [(0, 0), (0, 4)]),
    }
    outputs, again = run(backbone, records), run(backbone, padded)
    np.testing.assert_allclose(again["fused"], outputs["fused"], atol=1e-5)
    for name, weights in outputs["attention"].items():
        found = again["attention"][name]
        np.testing.assert_allclose(found[:, :6], weights, atol=1e-5)
        assert (found[:, 6:] == 0).all()


def test_order_of_regions_does_not_matter(make_backbone, records):
    backbone = make_backbone()
    outputs = run(backbone, records)
    for name in ("regions", "regions_mask"):
        records[name] = records[name][:, ::-1]
    again = run(backbone, records)
    np.testing.assert_allclose(again["fused"], outputs["fused"], atol=1e-5)
    for name, weights in outputs["attention"].items():
        np.testing.assert_allclose(
            again["attention"][name], weights[:, ::-1], atol=1e-5
        )


def test_the_question_and_the_regions_move_the_outputs(make_backbone, records):
    backbone = make_backbone()
    fused = run(backbone, records)["fused"]
    for name, change in [("token_ids", 1), ("regions", 0.5)]:
        moved = {**records, name: records[name] + np.array(change, "int32")}
        if name == "token_ids":
            moved[name] = np.where(records[name] == 2, 3, records[name])
            rows = [0, 1]
        else:
            moved[name] = records[name] + np.float16(change)
            rows = [0, 1, 2]
        distance = np.abs(run(backbone, moved)["fused"] - fused).max(axis=1)
        assert (distance[rows] > 1e-3).all(), name


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("normalize_regions", [False, True])
def test_half_precision_is_near_float32(
    make_backbone, records, dtype, normalize_regions
):
    full = make_backbone(normalize_regions=normalize_regions)
    half = make_backbone(normalize_regions=normalize_regions, dtype=dtype)
    half.set_weights(full.get_weights())
    records["regions"][0] *= 100  # squares beyond float16
    records["regions"][1, 4:] = 0.0  # as padding is
    outputs, halves = run(full, records), run(half, records)
    for a, b in zip(
        keras.tree.flatten(halves), keras.tree.flatten(outputs), strict=True
    ):
        assert np.isfinite(a).all()
        if normalize_regions:
            np.testing.assert_allclose(a, b, atol=0.1)


@pytest.mark.parametrize("normalize_regions", [False, True])
def test_no_region_and_no_known_word_give_finite_gradients(
    make_backbone, records, encoder, normalize_regions
):
    records["regions_mask"][:] = 0
    records["token_ids"][:] = [1, 0, 0, 0, 0]
    # Pixels of -1 after scaling meet positive filters: a grid of zeros.
    dark = np.zeros((3, 4, 6, 3), "float32")
    encoder.get_layer("conv_1").kernel.assign(np.ones((2, 2, 3, 8)))
    for image_encoder, inputs in [
        (None, records),
        (encoder, {"images": dark, "token_ids": records["token_ids"]}),
    ]:
        backbone = make_backbone(
            image_encoder=image_encoder, normalize_regions=normalize_regions
        )
        if image_encoder is not None:
            norm = image_encoder.get_layer("norm_1")
            norm.trainable = False
            norm.beta.assign(-np.ones(8))
        outputs = run(backbone, inputs)
        assert np.isfinite(outputs["fused"]).all()
        model = keras.Model(backbone.input, backbone.output["fused"])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.train_on_batch(inputs, np.ones((3, 4), "float32"))
        for weight in model.weights:
            assert np.isfinite(ops.convert_to_numpy(weight)).all(), weight.path


def test_comes_back_from_its_config_and_file(make_backbone, records, tmp_path):
    backbone = make_backbone(
        num_hops=1, share_weights=True, dropout=0.2, normalize_regions=True
    )
    twin = StackedBackbone.from_config(backbone.get_config())
    assert twin.get_config() == backbone.get_config()
    backbone.save(tmp_path / "backbone.keras")
    twin = keras.saving.load_model(tmp_path / "backbone.keras")
    assert isinstance(twin, StackedBackbone)
    np.testing.assert_array_equal(
        run(twin, records)["fused"], run(backbone, records)["fused"]
    )


def test_weight_paths_name_the_layers(make_backbone):
    paths = {w.path for w in make_backbone().weights}
    assert "question_encoder/word_embedding/embeddings" in paths
    assert "regions_dense/kernel" in paths
    assert "stacked_attention/hop_2/score_dense/kernel" in paths
