"""Vision transformers of KerasHub give the grid of their patches."""

import functools
import json

import keras_hub
import numpy as np
import pytest
from keras import ops

from tests.fixtures.vision_transformers import TRANSFORMERS
from tests.fixtures.vision_transformers import image_part
from tests.fixtures.vision_transformers import tokens_of
from vqa_keras import image_encoders
from vqa_keras.errors import UserError
from vqa_keras.image_encoders import PatchTokensToGrid

SCALE, OFFSET = [0.01, 0.02, 0.03], [-1.0, -2.0, -3.0]
CLIP_MEAN = np.array([0.48145466, 0.4578275, 0.40821073])
CLIP_STD = np.array([0.26862954, 0.26130258, 0.27577711])
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
IMAGENET_STD = np.array([0.229, 0.224, 0.225])


@pytest.fixture
def save(tmp_path):
    """Returns `save(name)`: a backbone, and its preset, with a converter."""

    def save(name, converter=True):
        backbone = TRANSFORMERS[name][0]()
        backbone.save_to_preset(tmp_path)
        if converter:
            keras_hub.layers.ImageConverter(
                scale=SCALE, offset=OFFSET
            ).save_to_preset(tmp_path)
        return backbone, str(tmp_path)

    return save


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Returns `saved(name)`: a backbone and its loaded preset, made once."""

    @functools.cache
    def saved(name):
        folder = tmp_path_factory.mktemp(name)
        backbone = TRANSFORMERS[name][0]()
        backbone.save_to_preset(folder)
        converter = keras_hub.layers.ImageConverter(scale=SCALE, offset=OFFSET)
        converter.save_to_preset(folder)
        return backbone, image_encoders.load(str(folder))

    return saved


def pixels_for(backbone):
    shape = image_part(backbone).image_shape
    return np.random.default_rng(0).uniform(0, 255, (2, *shape))


def expected_grid(name, backbone, normalized):
    """Returns the tokens of a backbone as a grid, cell by cell."""
    _, prefix, (height, width) = TRANSFORMERS[name]
    tokens = ops.convert_to_numpy(tokens_of(backbone, normalized))
    assert tokens.shape[1] == prefix + height * width
    rows = [
        tokens[:, prefix + width * i : prefix + width * (i + 1)]
        for i in range(height)
    ]
    return np.stack(rows, axis=1)


def test_the_layer_drops_the_first_tokens_and_fills_rows(check_layer):
    tokens = np.random.default_rng(0).normal(size=(2, 8, 3)).astype("float32")
    layer = PatchTokensToGrid((2, 3), 2)
    grid = ops.convert_to_numpy(layer(tokens))
    assert grid.shape == (2, 2, 3, 3)
    np.testing.assert_array_equal(grid[:, 0, 0], tokens[:, 2])
    np.testing.assert_array_equal(grid[:, 0, 2], tokens[:, 4])
    np.testing.assert_array_equal(grid[:, 1, 0], tokens[:, 5])
    check_layer(layer, {"tokens": tokens})


@pytest.mark.slow
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_the_grid_is_of_the_patch_tokens_of_the_presets_own_pixels(name, saved):
    backbone, encoder = saved(name)
    pixels = pixels_for(backbone)
    grid = encoder.predict(pixels, verbose=0)
    assert grid.shape == (2, *TRANSFORMERS[name][2], 16)
    np.testing.assert_allclose(
        grid,
        expected_grid(name, backbone, pixels * SCALE + OFFSET),
        atol=1e-4,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_a_spot_changes_the_cell_of_its_own_patch_most(name, saved):
    _, encoder = saved(name)
    rows, columns = encoder.output_shape[1:3]
    height, width = (
        side // cells
        for side, cells in zip(
            encoder.input_shape[1:3], (rows, columns), strict=True
        )
    )
    # Noise, so that no cell depends on the others more than on its own patch.
    noise = np.random.default_rng(0).uniform(0, 200, encoder.input_shape[1:])
    images = np.stack([noise] * (1 + rows * columns))
    for cell in range(rows * columns):
        y, x = height * (cell // columns), width * (cell % columns)
        images[1 + cell, y : y + height, x : x + width] = 250
    grids = encoder.predict(images, verbose=0)
    change = np.linalg.norm(grids[1:] - grids[0], axis=-1)
    largest = change.reshape(rows * columns, -1).argmax(axis=1)
    np.testing.assert_array_equal(largest, np.arange(rows * columns))


@pytest.mark.parametrize(
    ("name", "normalize"),
    [
        ("vit", lambda pixels: pixels / 127.5 - 1),
        ("dinov2", lambda p: (p / 255 - IMAGENET_MEAN) / IMAGENET_STD),
        ("dinov3", lambda p: (p / 255 - IMAGENET_MEAN) / IMAGENET_STD),
        ("clip", lambda p: (p / 255 - CLIP_MEAN) / CLIP_STD),
        ("clip_vision", lambda p: (p / 255 - CLIP_MEAN) / CLIP_STD),
        ("siglip", lambda pixels: pixels / 127.5 - 1),
        ("siglip_vision", lambda pixels: pixels / 127.5 - 1),
    ],
)
def test_a_preset_without_a_converter_has_the_pixels_of_its_class(
    name, normalize, save
):
    backbone, preset = save(name, converter=False)
    pixels = pixels_for(backbone)
    grid = image_encoders.load(preset).predict(pixels, verbose=0)
    expected = expected_grid(name, backbone, normalize(pixels))
    np.testing.assert_allclose(grid, expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vit", "dinov2_with_registers", "siglip"])
def test_a_saved_encoder_keeps_features_and_hash(name, save, tmp_path):
    backbone, preset = save(name)
    encoder = image_encoders.load(preset)
    path = tmp_path / "encoder.keras"
    encoder.save(path)
    twin = image_encoders.load(path)
    pixels = pixels_for(backbone)
    np.testing.assert_array_equal(
        twin.predict(pixels, verbose=0), encoder.predict(pixels, verbose=0)
    )
    sha256 = image_encoders.weights_sha256
    assert sha256(twin) == sha256(encoder)
    assert sha256(image_encoders.load(preset)) == sha256(encoder)


def test_the_hash_changes_with_the_converter(save):
    _, preset = save("clip")
    before = image_encoders.weights_sha256(image_encoders.load(preset))
    keras_hub.layers.CLIPImageConverter(
        scale=SCALE, offset=[-1.0, -2.0, -3.5]
    ).save_to_preset(preset)
    after = image_encoders.weights_sha256(image_encoders.load(preset))
    assert before != after


def test_levels_of_a_transformer_are_grids_of_its_blocks(save):
    backbone, preset = save("clip", converter=False)
    encoder = image_encoders.load(preset, levels=["block1", "patches"])
    shapes = {level: t.shape for level, t in encoder.output.items()}
    assert shapes == dict.fromkeys(["block1", "patches"], (None, 4, 4, 16))
    pixels = pixels_for(backbone)
    block = image_encoders.load(preset, levels=["block2"])
    grids = block.predict(pixels, verbose=0)
    norm = backbone.vision_encoder.layer_norm
    np.testing.assert_allclose(
        ops.convert_to_numpy(norm(grids)),
        encoder.predict(pixels, verbose=0)["patches"],
        atol=1e-4,
    )
    with pytest.raises(UserError, match="size is block1, block2, patches. R"):
        image_encoders.load(preset, levels=["block3"])
    _, preset = save("dinov2")
    encoder = image_encoders.load(preset, levels=["stage1", "stage2"])
    assert set(encoder.output) == {"stage1", "stage2"}


def test_dinov2_takes_another_size_and_the_others_name_theirs(save):
    _, preset = save("dinov2")
    assert image_encoders.load(preset, 48).output_shape == (None, 6, 6, 16)
    for name, fixed in (("vit", "24 x 48"), ("clip", "32 x 32")):
        _, preset = save(name)
        with pytest.raises(UserError, match=f"{fixed} pixels.*: 64 x 64$"):
            image_encoders.load(preset, 64)


def test_a_preset_of_text_is_refused_in_one_line(tmp_path):
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=9,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
    )
    backbone.save_to_preset(tmp_path)
    with pytest.raises(
        UserError, match="image backbone: of a CNN, .*ViTB.* of BertBackbone$"
    ) as caught:
        image_encoders.load(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_preset_of_hugging_face_has_the_pixels_of_its_preprocessor(tmp_path):
    pytest.importorskip("safetensors")
    config = {
        "model_type": "vit",
        "image_size": 32,
        "patch_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "hidden_size": 16,
        "intermediate_size": 32,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "qkv_bias": True,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    preprocessor = tmp_path / "preprocessor_config.json"

    def normalized(**pixels):
        preprocessor.write_text(json.dumps(pixels))
        encoder = image_encoders.load(str(tmp_path), weights=None)
        layer = encoder.get_layer("pixels")
        return ops.convert_to_numpy(layer(np.array([[[0.0, 51.0, 255.0]]])))

    found = normalized(image_mean=[0.5, 0.4, 0.2], image_std=[0.5, 0.2, 0.4])
    np.testing.assert_allclose(found[0, 0], [-1, -1, 2], atol=1e-6)
    found = normalized(do_normalize=False, rescale_factor=1 / 51)
    np.testing.assert_allclose(found[0, 0], [0, 1, 5], atol=1e-6)
    preprocessor.unlink()
    encoder = image_encoders.load(str(tmp_path), weights=None)
    assert encoder.output_shape == (None, 4, 4, 16)
    assert encoder.get_layer("pixels").offset == -1


def test_a_preset_that_needs_a_missing_package_names_it(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')

    def missing(preset):
        raise ModuleNotFoundError("No module named 'safetensors'")

    monkeypatch.setattr(
        "vqa_keras.image_encoders.preset_backbone.get_preset_loader", missing
    )
    for weights in ("imagenet", None):
        with pytest.raises(UserError, match="packages .*'safetensors'$"):
            image_encoders.load(str(tmp_path), weights=weights)
