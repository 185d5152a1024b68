import numpy as np
import pytest

from vqa_keras.metrics import boxes_mask
from vqa_keras.metrics import covered_cells
from vqa_keras.metrics import covered_regions
from vqa_keras.metrics import grounding
from vqa_keras.metrics import object_mask


def test_object_pixels_differ_from_the_most_common_color():
    image = np.full((4, 5, 3), 250, np.uint8)
    image[1, 2] = (250, 250, 249)
    image[3, 4] = (0, 0, 0)
    mask = object_mask(image)
    assert {tuple(p) for p in np.argwhere(mask)} == {(1, 2), (3, 4)}


def test_image_of_one_color_has_no_object():
    assert not object_mask(np.zeros((3, 3, 3), np.uint8)).any()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_rejects_arrays_that_are_not_rgb_images(image):
    with pytest.raises(ValueError, match="must be uint8 of shape.*Received"):
        object_mask(image)


@pytest.mark.parametrize(
    "boxes, rows",
    [
        ([], ["....", "....", "...."]),
        ([[1, 0, 3, 2]], [".##.", ".##.", "...."]),
        ([[0, 0, 1, 1], [3, 2, 4, 3]], ["#...", "....", "...#"]),
        ([[-5, 1, 2, 9]], ["....", "##..", "##.."]),
        ([[0.9, 1.5, 2.1, 1.6]], ["....", "###.", "...."]),
        ([[5, 5, 7, 7], [-2, -2, 0, 0]], ["....", "....", "...."]),
        ([[2, 0, 2, 3], [3, 2, 1, 0]], ["....", "....", "...."]),
    ],
    ids="none whole two outside_part fraction outside without_area".split(),
)
def test_mask_holds_the_pixels_that_boxes_meet(boxes, rows):
    mask = boxes_mask(boxes, (3, 4))
    assert ["".join(np.where(row, "#", ".")) for row in mask] == rows


@pytest.mark.parametrize(
    "boxes", [[1, 2, 3, 4], [[1, 2, 3]], [[0, 0, np.nan, 1]]]
)
def test_rejects_values_that_are_not_lists_of_boxes(boxes):
    with pytest.raises(ValueError, match="`boxes` must be finite.*Received"):
        boxes_mask(boxes, (3, 4))
    with pytest.raises(ValueError, match="`object_boxes` must be.*Received"):
        covered_regions([[0, 0, 1, 1]], boxes)


def test_region_is_covered_from_half_of_the_union_on():
    regions = [
        [0, 0, 4, 4],  # the object
        [0, 0, 4, 8],  # twice its area around it: 16 / 32
        [0, 0, 4, 8.1],
        [0, 0, 2, 4],  # half of it
        [0, 0, 1.9, 4],
        [2, 0, 6, 4],  # 8 / 24
        [4, 0, 8, 4],  # touches it
        [1, 1, 1, 1],
    ]
    expected = [True, True, False, True, False, False, False, False]
    assert covered_regions(regions, [[0, 0, 4, 4]]).tolist() == expected


def test_region_is_covered_by_any_of_the_objects_or_by_none():
    regions = [[0, 0, 2, 2], [5, 5, 7, 7], [0, 0, 7, 7]]
    objects = [[5, 5, 7, 7], [0, 0, 2, 2]]
    assert covered_regions(regions, objects).tolist() == [True, True, False]
    assert covered_regions(regions, []).tolist() == [False] * 3
    assert covered_regions([], objects).shape == (0,)


def overlaps(mask, grid_shape):
    """Covered cells by walking over all pixels and cells."""
    covered = np.zeros(grid_shape, bool)
    (height, width), (h, w) = mask.shape, grid_shape
    for y, x in np.argwhere(mask):
        for i in range(h):
            for j in range(w):
                meets_row = y < (i + 1) * height / h and y + 1 > i * height / h
                meets_column = x < (j + 1) * width / w and x + 1 > j * width / w
                covered[i, j] |= meets_row and meets_column
    return covered


@pytest.mark.parametrize("grid_shape", [(2, 4), (3, 5), (1, 1), (11, 9)])
def test_cell_is_covered_if_an_object_pixel_meets_it(grid_shape):
    mask = np.random.default_rng(0).random((8, 8)) < 0.06
    np.testing.assert_array_equal(
        covered_cells(mask, grid_shape), overlaps(mask, grid_shape)
    )


@pytest.mark.parametrize(
    "mask, grid_shape",
    [
        (np.zeros((4, 4, 3), bool), (2, 2)),
        (np.zeros((0, 4), bool), (2, 2)),
        (np.zeros((4, 4), bool), (0, 2)),
        (np.zeros((4, 4), bool), (4,)),
    ],
)
def test_covered_cells_rejects_other_shapes(mask, grid_shape):
    with pytest.raises(ValueError, match="Received"):
        covered_cells(mask, grid_shape)


COVERED = np.array([[[True, False], [False, False]]])


def test_pointing_accuracy_and_mass_follow_the_weights_on_the_object():
    weights = np.array(
        [[[0.5, 0.3], [0.1, 0.1]], [[0.2, 0.6], [0.1, 0.1]]], np.float32
    )
    result = grounding(weights, np.repeat(COVERED, 2, axis=0))
    assert result["pointing_accuracy"] == 50
    assert result["mass"] == pytest.approx(35, abs=1e-4)
    assert result["chance"] == 25


def test_mass_is_a_fraction_of_the_weight_of_its_map():
    result = grounding(np.array([[[2.0, 6.0], [0.0, 0.0]]]), COVERED)
    assert result["mass"] == 25


def test_uniform_map_scores_chance():
    result = grounding(np.full((1, 2, 2), 0.25), COVERED)
    assert result == {"pointing_accuracy": 25, "mass": 25, "chance": 25}


def test_map_of_zeros_scores_zero():
    result = grounding(np.zeros((1, 2, 2)), COVERED)
    assert result == {"pointing_accuracy": 0, "mass": 0, "chance": 25}


def test_image_without_an_object_scores_zero():
    result = grounding(np.ones((1, 2, 2)), np.zeros((1, 2, 2), bool))
    assert result == {"pointing_accuracy": 0, "mass": 0, "chance": 0}


def test_maps_of_regions_leave_out_padding():
    weights = [[0.5, 0.25, 0.25], [0.2, 0.8, 0.0]]
    covered = [[False, True, True], [False, True, True]]
    mask = [[True, True, True], [True, True, False]]
    result = grounding(weights, covered, mask)
    assert result["pointing_accuracy"] == 50
    assert result["mass"] == pytest.approx(65)  # (50 + 80) / 2
    assert result["chance"] == pytest.approx(175 / 3)  # (2 / 3 + 1 / 2) / 2


def test_rejects_a_map_without_regions():
    with pytest.raises(ValueError, match="Received: map 1 without one"):
        grounding(np.ones((2, 1)), np.ones((2, 1)), [[True], [False]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1])
def test_rejects_weights_that_are_negative_or_not_finite(bad):
    weights = np.array([[[bad, 0.5], [0.5, 0.0]]])
    with pytest.raises(ValueError, match="finite and at least 0. Received"):
        grounding(weights, COVERED)


@pytest.mark.parametrize("shape", [(2, 2), (1, 4), (2, 2, 2), (0, 2, 2)])
def test_rejects_maps_that_do_not_match(shape):
    with pytest.raises(ValueError, match="maps, rows, columns.*Received"):
        grounding(np.zeros(shape), COVERED)
