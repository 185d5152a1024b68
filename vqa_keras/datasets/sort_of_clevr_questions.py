"""Generates the questions of Sort-of-CLEVR about a scene, and the answers."""

from typing import NamedTuple
from typing import TypedDict

import numpy as np

# question_type -> the kinds of its questions.
KINDS = {
    "non-relational": ("shape", "left", "top"),
    "relational": ("closest", "furthest", "count"),
}
QUESTIONS_PER_TYPE = 10
TEXTS = {
    "shape": "what is the shape of the {} object?",
    "left": "is the {} object on the left?",
    "top": "is the {} object at the top?",
    "closest": "what is the shape of the object closest to the {} object?",
    "furthest": "what is the shape of the object furthest from the {} object?",
    "count": "how many objects have the same shape as the {} object?",
}
ANSWER_TYPES = {"left": "yes/no", "top": "yes/no", "count": "number"}


class SceneObject(TypedDict):
    """An object of a scene."""

    color: str
    shape: str
    box: list[int]  # [x1, y1, x2, y2] in pixels


class SceneQuestion(NamedTuple):
    """A generated question; its fields are those of `Question`."""

    question: str
    question_type: str
    answer_type: str
    answers: list[str]
    object_boxes: list[list[float]]


def generate_questions(
    rng: np.random.Generator, objects: list[SceneObject], drawing_size: int
) -> list[SceneQuestion]:
    """Generates ten questions of each type, sampled with replacement.

    Args:
        rng: `numpy.random.Generator`.
        objects: list of `SceneObject`.
        drawing_size: int, pixels per side of the drawing.

    Returns:
        List of `SceneQuestion`; object_boxes are those of the objects that the
        answer depends on, the queried object first: two objects for closest and
        furthest, all counted objects for a count.
    """
    boxes = np.array([item["box"] for item in objects], float)
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    distances = np.square(centers[:, None] - centers).sum(axis=-1)
    questions = []
    for question_type, kinds in KINDS.items():
        shape = (QUESTIONS_PER_TYPE, 2)
        sampled = rng.integers([len(objects), len(kinds)], size=shape)
        for queried, kind in sampled.tolist():
            answer, others = _answer(
                kinds[kind],
                objects,
                queried,
                centers[queried] < drawing_size / 2,
                distances[queried],
            )
            questions.append(
                SceneQuestion(
                    TEXTS[kinds[kind]].format(objects[queried]["color"]),
                    question_type,
                    ANSWER_TYPES.get(kinds[kind], "other"),
                    [answer],
                    [list(objects[i]["box"]) for i in [queried, *others]],
                )
            )
    return questions


def _answer(
    kind: str,
    objects: list[SceneObject],
    queried: int,
    before_middle: np.ndarray,
    distances: np.ndarray,
) -> tuple[str, list[int]]:
    """Returns the answer and the other objects that it depends on."""
    shapes = [item["shape"] for item in objects]
    if kind == "shape":
        return shapes[queried], []
    if kind in ("left", "top"):
        return "yes" if before_middle[int(kind == "top")] else "no", []
    if kind == "count":
        same = [
            i
            for i, shape in enumerate(shapes)
            if shape == shapes[queried] and i != queried
        ]
        return str(len(same) + 1), same
    by_distance = np.argsort(distances)  # The queried object comes first.
    other = int(by_distance[1 if kind == "closest" else -1])
    return shapes[other], [other]
