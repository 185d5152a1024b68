import keras
import pytest

from vqa_keras.models import CNNLayerBackbone

SIZES = {"embedding_dim": 3, "hidden_dim": 4, "attention_dim": 5}


def pyramid(encoder, **outputs):
    grids = {
        name: encoder.get_layer(layer).output for name, layer in outputs.items()
    }
    return keras.Model(encoder.input, grids)


def test_the_grid_with_the_most_cells_comes_first(encoder):
    network = pyramid(encoder, a="relu_1", z="rescaling")
    backbone = CNNLayerBackbone(6, image_encoder=network, **SIZES)
    assert backbone.grid_shapes == [[4, 6, 3], [2, 3, 8]]
    assert backbone.grid_shape == (2, 3)
    features = backbone.without_image_encoder()
    shapes = {name: t.shape[1:] for name, t in features.input.items()}
    assert shapes == {
        "grid_1": (4, 6, 3),
        "grid_2": (2, 3, 8),
        "token_ids": (None,),
    }


@pytest.mark.parametrize(
    "grid_shapes",
    [
        None,
        [],
        [(2, 3, 8)],
        [(2, 3, 8), (4, 6, 3)],
        [(None, 6, 3), (2, 3, 8)],
        [(24, 3), (6, 8)],
    ],
)
def test_an_invalid_pyramid_is_refused(grid_shapes):
    with pytest.raises(ValueError, match="at least two grids.* Received: grid"):
        CNNLayerBackbone(6, grid_shapes=grid_shapes, **SIZES)


def test_an_encoder_of_one_grid_is_refused(encoder):
    with pytest.raises(ValueError, match="at least two grids.* image_encoder"):
        CNNLayerBackbone(6, image_encoder=encoder, **SIZES)
    network = pyramid(encoder, only="relu_1")
    with pytest.raises(ValueError, match="at least two grids.* image_encoder"):
        CNNLayerBackbone(6, image_encoder=network, **SIZES)


def test_an_encoder_of_other_grids_is_refused(encoder):
    backbone = CNNLayerBackbone(6, [(4, 6, 5), (2, 3, 8)], **SIZES)
    network = pyramid(encoder, early="rescaling", late="relu_1")
    with pytest.raises(ValueError, match=r"trained on.* Received: \[\[4, 6, 3"):
        backbone.with_image_encoder(network)
