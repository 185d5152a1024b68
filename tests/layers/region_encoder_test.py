import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import RegionEncoder


@pytest.fixture
def regions():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 4, 5)).astype("float32")


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("activation", [None, "tanh"])
def test_keeps_the_layer_contract(check_layer, regions, activation, normalize):
    layer = RegionEncoder(6, activation, dropout=0.1, normalize=normalize)
    check_layer(layer, {"regions": regions})


@pytest.mark.parametrize("normalize", [False, True])
def test_matches_the_formula(regions, normalize):
    layer = RegionEncoder(6, "tanh", normalize=normalize)
    layer.build(regions.shape)
    rng = np.random.default_rng(1)
    kernel, bias = (rng.normal(size=w.shape) for w in layer.weights)
    layer.set_weights([kernel, bias])
    if normalize:
        lengths = np.linalg.norm(regions, axis=-1, keepdims=True)
        expected = np.tanh(regions / lengths @ kernel + bias)
    else:
        expected = np.tanh(regions @ kernel + bias)
    found = ops.convert_to_numpy(layer(regions))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_weight_paths_name_the_sublayer(regions):
    layer = RegionEncoder(6, name="region_encoder")
    layer(regions)
    assert [w.path for w in layer.weights] == [
        "region_encoder/regions_dense/kernel",
        "region_encoder/regions_dense/bias",
    ]


def test_bad_arguments_are_refused(regions):
    with pytest.raises(ValueError, match="`hidden_dim` must.*Received: 0"):
        RegionEncoder(0)
    with pytest.raises(ValueError, match="`dropout` must.*Received: 1"):
        RegionEncoder(4, dropout=1.0)
    with pytest.raises(ValueError, match="flatten a CNN grid first"):
        RegionEncoder(4)(regions[None])
