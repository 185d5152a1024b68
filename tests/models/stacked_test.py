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
        kernel, bias = (
            self.weight(f"region_encoder/regions_dense/{part}")
            for part in ("kernel", "bias")
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


def test_weight_paths_name_the_layers(make_backbone):
    paths = {w.path for w in make_backbone().weights}
    assert "question_encoder/word_embedding/embeddings" in paths
    assert "region_encoder/regions_dense/kernel" in paths
    assert "stacked_attention/hop_2/score_dense/kernel" in paths
