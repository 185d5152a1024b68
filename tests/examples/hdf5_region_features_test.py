"""The example converts HDF5 files to tables that give the same regions."""

import json
import pathlib
import pickle
import runpy

import h5py
import numpy as np
import pytest

from tests.fixtures.region_files import image
from vqa_keras.writing.region_features import RegionFeatures
from vqa_keras.writing.region_index import index_region_features

EXAMPLE = (
    pathlib.Path(__file__).parents[2] / "examples" / "hdf5_region_features.py"
)
IDS = {9: 1, 25: 0}


@pytest.fixture(scope="module")
def main():
    return runpy.run_path(str(EXAMPLE))["main"]


@pytest.fixture(scope="module")
def arrays():
    """Returns features, boxes and relative boxes of 64 x 48 pixel images."""
    rng = np.random.default_rng(0)
    features = rng.random((2, 5, 8), "float32")
    boxes = np.sort(rng.random((2, 5, 4), "float32"), axis=-1) * 48
    relative = boxes / np.float32([64, 48, 64, 48])
    spatial = np.concatenate([relative, relative[..., :2]], axis=-1)
    return features, boxes, spatial


def write(path, arrays, **others):
    names = "image_features", "image_bb", "spatial_features"
    with h5py.File(path, "w") as file:
        for name, array in zip(names, arrays, strict=False):
            file[name] = array
        for name, array in others.items():
            file[name] = array


def read(path, folder):
    scan = index_region_features([path], folder / "index.sqlite")
    return RegionFeatures(scan.region_index)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_every_image_has_the_regions_of_its_row(
    main, arrays, tmp_path, protocol
):
    write(tmp_path / "a.hdf5", arrays)
    (tmp_path / "ids.pkl").write_bytes(pickle.dumps(IDS, protocol))
    names = "a.hdf5", "ids.pkl", "a.tsv"
    main([str(tmp_path / name) for name in names])
    features = read(tmp_path / "a.tsv", tmp_path)
    for image_id, number in IDS.items():
        regions = features.read(image(str(image_id)))
        np.testing.assert_array_equal(regions.features, arrays[0][number])
        np.testing.assert_array_equal(regions.boxes, arrays[1][number])
        assert regions.image_size == (48, 64)


def test_regions_of_varying_number_are_read_by_their_positions(
    main, arrays, tmp_path
):
    flat = [array.reshape(10, -1) for array in arrays[:2]]
    write(tmp_path / "a.hdf5", flat, pos_boxes=[[0, 3], [3, 10]])
    (tmp_path / "ids.json").write_text(json.dumps(IDS))
    names = "a.hdf5", "ids.json", "a.tsv"
    main([str(tmp_path / name) for name in names])
    features = read(tmp_path / "a.tsv", tmp_path)
    regions = features.read(image("9"))
    np.testing.assert_array_equal(regions.features, flat[0][3:])
    np.testing.assert_array_equal(regions.boxes, flat[1][3:])
    assert regions.image_size is None
    assert len(features.read(image("25")).boxes) == 3


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (b"{", "must be readable"),
        (b'{"9": 5}', "must be one of 2. Received: 5"),
        (b'{"9": -1}', "must be one of 2. Received: -1"),
        (b'{"9": 1, "8": 1}', "Received: one twice"),
        (b"[0, 1]", "must be a dict"),
    ],
)
def test_ids_that_name_no_row_are_refused(
    main, arrays, tmp_path, ids, expected
):
    write(tmp_path / "a.hdf5", arrays)
    (tmp_path / "ids.json").write_bytes(ids)
    names = "a.hdf5", "ids.json", "a.tsv"
    with pytest.raises(SystemExit, match=expected):
        main([str(tmp_path / name) for name in names])
    assert not (tmp_path / "a.tsv").exists()


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ([[0, 11]], "must be in image_bb. Received: 0 to 11"),
        ([[-2, 3]], "must be in image_bb. Received: -2 to 3"),
        ([[3, 3]], "must be in image_bb. Received: 3 to 3"),
    ],
)
def test_positions_outside_the_regions_are_refused(
    main, arrays, tmp_path, positions, expected
):
    flat = [array.reshape(10, -1) for array in arrays[:2]]
    write(tmp_path / "a.hdf5", flat, pos_boxes=positions)
    (tmp_path / "ids.json").write_text('{"9": 0}')
    names = "a.hdf5", "ids.json", "a.tsv"
    with pytest.raises(SystemExit, match=expected):
        main([str(tmp_path / name) for name in names])


def test_features_without_a_box_are_refused(main, arrays, tmp_path):
    write(tmp_path / "a.hdf5", [arrays[0], arrays[1][:, :3]])
    (tmp_path / "ids.json").write_text(json.dumps(IDS))
    names = "a.hdf5", "ids.json", "a.tsv"
    with pytest.raises(SystemExit, match="equal numbers of regions"):
        main([str(tmp_path / name) for name in names])


def test_other_datasets_are_refused(main, tmp_path):
    write(tmp_path / "a.hdf5", [], x=[1])
    (tmp_path / "ids.json").write_text("{}")
    names = "a.hdf5", "ids.json", "a.tsv"
    with pytest.raises(SystemExit, match="image_bb. Received: x"):
        main([str(tmp_path / name) for name in names])
