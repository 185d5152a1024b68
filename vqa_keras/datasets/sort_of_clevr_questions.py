"""Asks the questions of Sort-of-CLEVR about a scene, and answers them."""

from typing import NamedTuple
from typing import TypedDict

import numpy as np

# question_type -> the kinds of its questions.
KINDS = {
    "non-relational": ("shape", "left", "top"),
    "relational": ("closest", "furthest", "count"),
}
QUESTIONS_OF_A_TYPE = 10
TEXTS = {
    "shape": "what is the shape of the {} object?",
    "left": "is the {} object on the left?",
    "top": "is the {} object at the top?",
    "closest": "what is the shape of the object closest to the {} object?",
    "furthest": "what is the shape of the object furthest from the {} object?",
    "count": "how many objects have the same shape as the {} object?",
}
ANSWER_TYPES = {"left": "yes/no", "top": "yes/no", "count": "number"}


class Thing(TypedDict):
    """An object of a scene."""

    color: str
    shape: str
    box: list[int]  # [x1, y1, x2, y2] in pixels


class Asked(NamedTuple):
    """A question about a scene, with the fields of `Question`."""

    question: str
    question_type: str
    answer_type: str
    answers: list[str]
    object_boxes: list[list[float]]


def ask_about(
    rng: np.random.Generator, objects: list[Thing], picture_size: int
) -> list[Asked]:
    """Returns ten questions of each type, drawn with replacement.

    Args:
        rng: `numpy.random.Generator`.
        objects: list of `Thing`.
        picture_size: int, pixels of a side of the picture.

    Returns:
        List of `Asked`; object_boxes are those of the objects that the answer
        depends on, the asked object first. Closest and furthest have two, a
        count those of all objects it counts.
    """
    boxes = np.array([thing["box"] for thing in objects], float)
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    distances = np.square(centers[:, None] - centers).sum(axis=-1)
    questions = []
    for question_type, kinds in KINDS.items():
        shape = (QUESTIONS_OF_A_TYPE, 2)
        drawn = rng.integers([len(objects), len(kinds)], size=shape)
        for asked, kind in drawn.tolist():
            answer, others = _answer(
                kinds[kind],
                objects,
                asked,
                centers[asked] < picture_size / 2,
                distances[asked],
            )
            questions.append(
                Asked(
                    TEXTS[kinds[kind]].format(objects[asked]["color"]),
                    question_type,
                    ANSWER_TYPES.get(kinds[kind], "other"),
                    [answer],
                    [list(objects[i]["box"]) for i in [asked, *others]],
                )
            )
    return questions


def _answer(
    kind: str,
    objects: list[Thing],
    asked: int,
    before_middle: np.ndarray,
    distances: np.ndarray,
) -> tuple[str, list[int]]:
    """The answer, and which other objects it depends on."""
    shapes = [thing["shape"] for thing in objects]
    if kind == "shape":
        return shapes[asked], []
    if kind in ("left", "top"):
        return "yes" if before_middle[int(kind == "top")] else "no", []
    if kind == "count":
        same = [
            i
            for i, shape in enumerate(shapes)
            if shape == shapes[asked] and i != asked
        ]
        return str(len(same) + 1), same
    by_distance = np.argsort(distances)  # The asked object itself comes first.
    found = int(by_distance[1 if kind == "closest" else -1])
    return shapes[found], [found]
