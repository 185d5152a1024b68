"""Tests of ProductFusion, GatedFusion and ConcatFusion."""

import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import ConcatFusion
from vqa_keras.layers import GatedFusion
from vqa_keras.layers import ProductFusion

FUSIONS = [
    ProductFusion(5),
    ProductFusion(5, activation=None),
    GatedFusion(5),
    ConcatFusion(5),
    ConcatFusion(5, activation="relu"),
]


@pytest.fixture(params=FUSIONS, ids=lambda f: f.name)
def fusion(request):
    return type(request.param).from_config(request.param.get_config())


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "question": rng.normal(size=(3, 4)).astype("float32"),
        "image": rng.normal(size=(3, 6)).astype("float32"),
    }


def expected_by_loops(fusion, question, image):
    w = {
        w.path.split("/", 1)[1]: ops.convert_to_numpy(w).astype("float64")
        for w in fusion.weights
    }

    def dense(name, vector):
        return vector @ w[f"{name}/kernel"] + w[f"{name}/bias"]

    def activation(vector):
        return ops.convert_to_numpy(fusion.activation(vector))

    fused = []
    for q, v in zip(question, image, strict=True):
        if isinstance(fusion, ProductFusion):
            q = activation(dense("question_dense", q))
            fused.append(q * activation(dense("image_dense", v)))
        elif isinstance(fusion, ConcatFusion):
            both = np.concatenate([q, v])
            fused.append(activation(dense("fused_dense", both)))
        else:
            sides = 1.0
            for name, vector in [("question", q), ("image", v)]:
                gate = 1 / (1 + np.exp(-dense(f"{name}_gate", vector)))
                sides *= np.tanh(dense(f"{name}_dense", vector)) * gate
            fused.append(sides)
    return np.stack(fused)


def test_keeps_the_layer_contract(check_layer, inputs, fusion):
    check_layer(fusion, inputs)


def test_matches_the_formula(inputs, fusion):
    fusion(**inputs)
    rng = np.random.default_rng(1)
    fusion.set_weights([rng.normal(size=w.shape) for w in fusion.weights])
    np.testing.assert_allclose(
        ops.convert_to_numpy(fusion(**inputs)),
        expected_by_loops(fusion, **inputs),
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("fusion_class", "expected"),
    [
        (ProductFusion, 4 * 5 + 5 + 6 * 5 + 5),
        (GatedFusion, 2 * (4 * 5 + 5 + 6 * 5 + 5)),
        (ConcatFusion, (4 + 6) * 5 + 5),
    ],
)
def test_parameters_are_those_of_the_formula(fusion_class, expected):
    fusion = fusion_class(5)
    fusion.build((None, 4), (None, 6))
    assert fusion.count_params() == expected


def test_rejects_no_width_and_sequences(inputs, fusion):
    with pytest.raises(ValueError, match="`hidden_dim` must.* Received: 0"):
        type(fusion)(0)
    for name, array in inputs.items():
        with pytest.raises(ValueError, match=rf"{name}.shape=\(3, 1, "):
            fusion(**inputs | {name: array[:, None]})
