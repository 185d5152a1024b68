import json
import pathlib
import shutil

import numpy as np
import pytest
from keras import ops

from vqa_keras import image_encoders
from vqa_keras import preset_files
from vqa_keras.errors import UserError

PRESET = pathlib.Path(__file__).parents[2] / "zoo/image_encoders/grid_cnn"


def test_the_shipped_cnn_encodes_images_to_grids():
    encoder = image_encoders.load("grid_cnn")
    images = np.random.default_rng(0).uniform(0, 255, size=(2, 64, 64, 3))
    grid = ops.convert_to_numpy(encoder(images.astype("float32")))
    assert grid.shape == (2, 8, 8, 96)
    assert grid.std() > 0.1


def test_the_shipped_cnn_has_the_shape_of_its_recipe():
    recipe = (PRESET / "recipe.toml").read_text()
    config = json.loads((PRESET / "config.json").read_text())["config"]
    for name in ("filters", "kernel_sizes", "strides"):
        assert f"{name} = {config[name]}" in recipe


def test_a_cell_of_the_shipped_cnn_depends_on_itself_and_a_margin():
    encoder = image_encoders.load("grid_cnn")
    image = np.full((1, 64, 64, 3), 200.0, "float32")
    changed = image.copy()
    changed[0, 24:32, 24:32] = 20.0  # the cell in row 3, column 3
    grids = encoder(np.concatenate([image, changed]))
    plain, other = ops.convert_to_numpy(grids)
    moved = np.abs(plain - other).max(axis=-1)
    # Some processors sum a convolution in blocks: elsewhere is nearly 0.
    rows, columns = np.nonzero(moved > 1e-5 * moved.max())
    assert 3 in rows and 3 in columns
    assert set(rows) | set(columns) <= {2, 3, 4}


def test_the_preset_is_small():
    sizes = [path.stat().st_size for path in PRESET.iterdir()]
    assert sum(sizes) < 2**20


def test_the_cnn_in_a_run_is_compared_with_the_results_of_the_run(tmp_path):
    copy = shutil.copytree(PRESET, tmp_path / "image_encoder")
    files = preset_files.describe(tmp_path)
    preset_files.write_results(tmp_path, {"files": files})
    image_encoders.load(str(copy))
    weights = copy / "model.weights.h5"
    changed = bytearray(weights.read_bytes())
    changed[-100] ^= 1
    weights.write_bytes(changed)
    with pytest.raises(UserError, match="model.weights.h5 must have the cont"):
        image_encoders.load(str(copy))
