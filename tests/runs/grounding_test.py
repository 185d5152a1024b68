"""Which objects, cells and regions a question's heat map is measured on."""

import io
import types

import numpy as np
import pytest
from PIL import Image

from vqa_keras.runs.figures import MapGrounding
from vqa_keras.runs.figures import TypeGrounding
from vqa_keras.runs.grounding import REGIONS
from vqa_keras.runs.grounding import Grounding

# Four cells of an image of 8 x 8 pixels, each as a box.
UPPER_LEFT, UPPER_RIGHT = [0, 0, 4, 4], [4, 0, 8, 4]
LOWER_LEFT, LOWER_RIGHT = [0, 4, 4, 8], [4, 4, 8, 8]


def image(*questions, boxes=None):
    pixels = np.full((8, 8, 3), 255, np.uint8)
    pixels[5, 5] = 0  # drawn in the lower right
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return types.SimpleNamespace(
        image=file.getvalue(),
        image_size=(8, 8),
        boxes=boxes,
        questions=[
            types.SimpleNamespace(
                question_type=question_type, object_boxes=object_boxes
            )
            for question_type, *object_boxes in questions
        ],
    )


def measured(grounding, *images, weights):
    for added in images:
        grounding.add(added)
    return grounding.measure({"regions_1": np.array(weights, "float32")})


def test_a_map_is_measured_on_the_boxes_of_its_own_question():
    result = measured(
        Grounding({"regions_1": (2, 2)}),
        image(("far", UPPER_LEFT), ("far", UPPER_RIGHT, LOWER_LEFT)),
        image(("far", LOWER_RIGHT)),
        weights=[
            [0.7, 0.1, 0.1, 0.1],
            [0.5, 0.2, 0.2, 0.1],
            [0, 0.75, 0.25, 0],
        ],
    )["regions_1"]
    assert result.pointing_accuracy == pytest.approx(100 / 3)
    assert result.mass == pytest.approx(100 * (0.7 + 0.4) / 3)
    assert result.chance == pytest.approx(100 * (1 + 2 + 1) / 12)
    assert result.questions == 3
    assert result.per_question_type is None


def test_questions_without_boxes_are_left_out_of_photographs():
    images = [image(("near",)), image(("near",), ("near", LOWER_LEFT))]
    weights = [[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]
    result = measured(
        Grounding({"regions_1": (2, 2)}), *images, weights=weights
    )["regions_1"]
    assert (result.pointing_accuracy, result.questions) == (100, 1)
    nothing = Grounding({"regions_1": (2, 2)})
    assert measured(nothing, image(("near",)), weights=weights) == {}


def test_drawings_are_about_what_is_drawn_unless_boxes_say_otherwise():
    drawings = Grounding({"regions_1": (2, 2)}, drawings=True)
    weights = [[0, 0, 0, 1], [0, 0, 1, 0]]
    result = measured(drawings, image(("a",), ("b",)), weights=weights)
    assert result == {
        "regions_1": MapGrounding(pointing_accuracy=50, mass=50, chance=25)
    }
    drawings = Grounding({"regions_1": (2, 2)}, drawings=True)
    boxed = image(("a",), ("b", LOWER_LEFT))
    result = measured(drawings, boxed, weights=weights)["regions_1"]
    assert result.pointing_accuracy == 100


def test_each_type_of_question_is_also_measured_alone():
    result = measured(
        Grounding({"regions_1": (2, 2)}),
        image(("near", LOWER_LEFT), ("far", LOWER_LEFT, UPPER_LEFT)),
        image(("near", LOWER_LEFT)),
        weights=[[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]],
    )["regions_1"]
    assert result.per_question_type == {
        "far": TypeGrounding(
            pointing_accuracy=0, mass=0, chance=50, questions=1
        ),
        "near": TypeGrounding(
            pointing_accuracy=50, mass=50, chance=25, questions=2
        ),
    }


def test_regions_are_measured_by_their_own_boxes_however_many_there_are():
    three = np.array([UPPER_LEFT, LOWER_LEFT, LOWER_RIGHT], "float32")
    result = measured(
        Grounding({"regions_1": REGIONS}),
        image(("near", LOWER_LEFT), boxes=three),
        image(("near", LOWER_LEFT), boxes=three[1:]),
        image(("near", LOWER_LEFT), boxes=three[:0]),
        image(("near", LOWER_LEFT)),
        weights=[[0.3, 0.4, 0.3, 0], [0.2, 0.8, 0, 0], [0] * 4, [0] * 4],
    )["regions_1"]
    assert result.questions == 2
    assert result.pointing_accuracy == 50
    assert result.mass == pytest.approx(30)
    assert result.chance == pytest.approx(100 * (1 / 3 + 1 / 2) / 2)


def test_no_map_gives_no_result():
    grounding = Grounding({})
    grounding.add(image(("near", LOWER_LEFT)))
    assert grounding.measure({}) == {}
