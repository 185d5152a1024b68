import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import ProductFusion


@pytest.fixture(params=["tanh", "relu", None])
def fusion(request):
    return ProductFusion(5, activation=request.param)


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

    def project(name, vector):
        vector = vector @ w[f"{name}/kernel"] + w[f"{name}/bias"]
        return ops.convert_to_numpy(fusion.activation(vector))

    return np.stack(
        [
            project("question_dense", q) * project("image_dense", v)
            for q, v in zip(question, image, strict=True)
        ]
    )


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


def test_parameters_are_those_of_the_formula():
    fusion = ProductFusion(5)
    fusion.build((None, 4), (None, 6))
    assert fusion.count_params() == 4 * 5 + 5 + 6 * 5 + 5


def test_rejects_no_width_and_sequences(inputs, fusion):
    with pytest.raises(ValueError, match="`hidden_dim` must.* Received: 0"):
        ProductFusion(0)
    for name, array in inputs.items():
        with pytest.raises(ValueError, match=rf"{name}.shape=\(3, 1, "):
            fusion(**inputs | {name: array[:, None]})
