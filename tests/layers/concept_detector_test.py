import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import ConceptDetector

MASK = np.array([[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], "int32")


@pytest.fixture
def regions():
    return np.random.default_rng(0).normal(size=(3, 4, 6)).astype("float32")


@pytest.fixture
def detector(regions):
    """A detector with random weights, biases included."""
    detector = ConceptDetector(num_concepts=5, embedding_dim=2)
    detector(regions)
    rng = np.random.default_rng(1)
    detector.set_weights([rng.normal(size=w.shape) for w in detector.weights])
    return detector


def detect(detector, regions, mask=None):
    return [
        ops.convert_to_numpy(t) for t in detector(regions, regions_mask=mask)
    ]


def test_keeps_the_layer_contract(check_layer, regions):
    layer = ConceptDetector(num_concepts=5, embedding_dim=2)
    check_layer(layer, {"regions": regions, "regions_mask": MASK})


def test_matches_the_formula(detector, regions):
    kernel, bias = (
        ops.convert_to_numpy(w) for w in detector.regions_dense.weights
    )
    for mask in (MASK, None):
        concepts, probabilities = detect(detector, regions, mask)
        expected = np.zeros((3, 5))
        for b in range(3):
            for m in range(4):
                if mask is not None and not mask[b, m]:
                    continue
                found = 1 / (1 + np.exp(-(regions[b, m] @ kernel + bias)))
                expected[b] = np.maximum(expected[b], found)
        np.testing.assert_allclose(probabilities, expected, atol=1e-5)
        for embeddings in concepts:
            np.testing.assert_array_equal(
                embeddings, ops.convert_to_numpy(detector.embeddings)
            )


@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(detector, regions, dtype):
    _, probabilities = detect(detector, regions, MASK.astype(dtype))
    regions[MASK == 0] = 1e3
    regions = np.pad(regions, [(0, 0), (0, 3), (0, 0)])
    mask = np.pad(MASK, [(0, 0), (0, 3)]).astype(dtype)
    _, again = detect(detector, regions, mask)
    np.testing.assert_allclose(again, probabilities, atol=1e-5)
    assert (probabilities[1] == 0).all()


def test_padding_of_nan_has_no_influence(detector, regions):
    _, expected = detect(detector, regions, MASK)
    regions[MASK == 0] = np.nan
    _, probabilities = detect(detector, regions, MASK)
    np.testing.assert_array_equal(probabilities, expected)


def test_takes_the_mask_attached_to_regions(detector, regions):
    if keras.config.backend() == "numpy":
        pytest.skip("No mask can be attached to a NumPy array.")
    regions[:, -1] = 0.0
    masked = keras.layers.Masking()(regions)
    mask = np.array([[1, 1, 1, 0]] * 3)
    _, expected = detect(detector, regions, mask)
    _, probabilities = detect(detector, masked)
    np.testing.assert_array_equal(probabilities, expected)


def test_order_of_regions_does_not_matter(detector, regions):
    _, probabilities = detect(detector, regions, MASK)
    _, again = detect(detector, regions[:, ::-1], MASK[:, ::-1])
    np.testing.assert_allclose(again, probabilities, atol=1e-6)


def test_an_image_without_regions_has_finite_gradients(regions):
    if keras.config.backend() == "numpy":
        pytest.skip("NumPy has no gradients.")
    inputs = {
        "regions": keras.Input((4, 6), name="regions"),
        "regions_mask": keras.Input((4,), dtype="int32", name="regions_mask"),
    }
    concepts, probabilities = ConceptDetector(5, 2)(**inputs)
    scores = ops.log(probabilities + 1e-7)
    model = keras.Model(inputs, ops.einsum("bce,bc->be", concepts, scores))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch(
        {"regions": regions, "regions_mask": 0 * MASK},
        np.ones((3, 2), "float32"),
    )
    for weight in model.get_weights():
        assert np.isfinite(weight).all()


def test_parameters_are_the_detectors_and_the_embeddings(detector):
    assert detector.count_params() == (6 * 5 + 5) + 5 * 2
    assert sorted(w.path.split("/", 1)[1] for w in detector.weights) == [
        "embeddings",
        "regions_dense/bias",
        "regions_dense/kernel",
    ]


def test_rejects_what_does_not_fit(regions):
    with pytest.raises(ValueError, match="`num_concepts` must.* Received: 0"):
        ConceptDetector(0, 2)
    with pytest.raises(ValueError, match="`embedding_dim` must.* Received: 0"):
        ConceptDetector(5, 0)
    with pytest.raises(ValueError, match="flatten a CNN grid first"):
        ConceptDetector(5, 2)(regions[:, None])
    with pytest.raises(ValueError, match=r"`regions_mask` must.*\(3, 1\)"):
        ConceptDetector(5, 2)(regions, regions_mask=MASK[:, :1])
