import collections
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from vqa_keras.datasets import sort_of_clevr
from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.datasets.sort_of_clevr import draw
from vqa_keras.datasets.sort_of_clevr import scene
from vqa_keras.errors import UserError
from vqa_keras.metrics import baselines

RGB = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "orange": (255, 156, 0),
    "gray": (128, 128, 128),
    "yellow": (255, 255, 0),
}


def pixels_of(image):
    return np.array(Image.open(io.BytesIO(draw(image.drawing))))


def detect(pixels):
    """Detects the objects of an image: {color: (shape, center, box)}."""
    detected = {}
    for color, rgb in RGB.items():
        y, x = np.nonzero((pixels == rgb).all(axis=-1))
        if len(x):
            box = [x.min(), y.min(), x.max() + 1, y.max() + 1]
            full = len(x) == (box[2] - box[0]) * (box[3] - box[1])
            center = complex(x.mean() + 0.5, y.mean() + 0.5)
            detected[color] = ("square" if full else "circle", center, box)
    return detected


def answer(question, detected, size):
    """Returns the answer and the colors that it depends on."""
    queried = re.search(r"the (\w+) object(\?| on| at)", question)[1]
    shape, center, _ = detected[queried]
    others = [color for color in detected if color != queried]

    def distance(color):
        return abs(detected[color][1] - center)

    if "closest" in question:
        other = min(others, key=distance)
        return detected[other][0], [queried, other]
    if "furthest" in question:
        other = max(others, key=distance)
        return detected[other][0], [queried, other]
    if "how many" in question:
        same = [color for color in others if detected[color][0] == shape]
        return str(1 + len(same)), [queried, *same]
    if "left" in question:
        return ("yes" if center.real < size / 2 else "no"), [queried]
    if "top" in question:
        return ("yes" if center.imag < size / 2 else "no"), [queried]
    return shape, [queried]


@pytest.mark.parametrize(
    "num_objects, size, width", [(6, 75, 11), (6, 100, 13), (2, 30, 5)]
)
def test_every_answer_follows_from_the_pixels(num_objects, size, width):
    types = collections.Counter()
    for number in range(20):
        image = scene(3, "train", number, num_objects, size)
        pixels = pixels_of(image)
        detected = detect(pixels)
        assert pixels.shape == (size, size, 3)
        assert len(detected) == num_objects
        for _, _, (x1, y1, x2, y2) in detected.values():
            assert (x2 - x1, y2 - y1) == (width, width)
        for question in image.questions:
            expected, colors = answer(question.question, detected, size)
            assert question.answers == [expected]
            assert question.object_boxes == [detected[c][2] for c in colors]
            types[question.question_type, question.answer_type] += 1
    assert set(types) == {
        ("non-relational", "yes/no"),
        ("non-relational", "other"),
        ("relational", "other"),
        ("relational", "number"),
    }


def test_an_image_has_ten_questions_of_each_type():
    types = [q.question_type for q in scene(0, "test", 0).questions]
    assert types == ["non-relational"] * 10 + ["relational"] * 10


@pytest.mark.slow
def test_same_question_baselines_are_50_and_43_75_percent():
    def pairs(split, question_type):
        return [
            (question.question, question.answers[0])
            for number in range(1000)
            for question in scene(0, split, number).questions
            if question.question_type == question_type
        ]

    for question_type, percent in ("non-relational", 50), ("relational", 43.75):
        measured = baselines(
            pairs("train", question_type), pairs("test", question_type)
        )
        # The sample of 1,000 images: ten seeds differ by 0.6 points (one
        # standard deviation).
        assert measured["same_question"] == pytest.approx(percent, abs=2.5)


def test_a_scene_depends_on_its_seed_split_and_number_alone():
    first = scene(0, "train", 5)
    assert scene(0, "train", 5) == first
    for other in (1, "train", 5), (0, "test", 5), (0, "train", 6):
        assert scene(*other).drawing != first.drawing


def test_scene_survives_json():
    image = scene(0, "train", 0)
    again = json.loads(json.dumps(image, default=vars))
    again = ImageQuestions.from_json(again)
    assert again == image
    assert draw(again.drawing) == draw(image.drawing)


@pytest.mark.parametrize("num_objects, size", [(6, 75), (10, 75), (6, 30)])
def test_objects_are_apart_inside_and_off_the_middle(num_objects, size):
    for number in range(20):
        boxes = [
            item["box"]
            for item in scene(0, "train", number, num_objects, size).drawing[
                "objects"
            ]
        ]
        taken = np.zeros((size, size), int)
        for x1, y1, x2, y2 in boxes:
            assert 0 <= x1 and 0 <= y1 and x2 <= size and y2 <= size
            assert x1 + x2 != size and y1 + y2 != size
            taken[y1:y2, x1:x2] += 1
        assert taken.max() == 1
        assert len({tuple(box) for box in boxes}) == num_objects


def test_closest_and_furthest_objects_are_unique():
    for number in range(200):
        boxes = [
            item["box"] for item in scene(0, "train", number).drawing["objects"]
        ]
        for a in boxes:
            distances = sorted(
                (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 for b in boxes
            )
            assert distances[1] < distances[2]
            assert distances[-2] < distances[-1]


def test_the_table_holds_the_scenes_of_every_split_in_order(tmp_path):
    with QuestionTable(tmp_path / "questions.sqlite") as table:
        sort_of_clevr.read(
            None,
            table,
            seed=7,
            train_images=3,
            validation_images=0,
            test_images=2,
            num_objects=5,
            drawing_size=40,
        )
        assert table.splits() == {"train": 3, "test": 2}
        for split, count in table.splits().items():
            scenes = [scene(7, split, n, 5, 40) for n in range(count)]
            assert list(table.images(split)) == scenes
        assert list(table.dropped()) == []


def test_a_folder_is_refused(tmp_path):
    assert sort_of_clevr.find() is None
    with pytest.raises(UserError, match="must be without --input. Received"):
        sort_of_clevr.find(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"num_objects": 1},
        {"num_objects": 11},
        {"drawing_size": 29},
        {"train_images": 0},
        {"validation_images": -1},
    ],
)
def test_an_error_names_the_argument_out_of_range(wrong):
    (name,) = wrong
    with pytest.raises(UserError, match=f"`{name}` must be .*Received"):
        sort_of_clevr.read(None, None, **wrong)
