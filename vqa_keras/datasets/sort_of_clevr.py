"""Generates Sort-of-CLEVR: drawings of six objects, relational questions.

Nothing is downloaded: images and questions follow from a seed. After Santoro
et al., "A simple neural network module for relational reasoning" (2017,
arXiv:1706.01427, section 3.2), as public reimplementations generate it: a white
image of 75 x 75 pixels with one object in each of six colors, a square or a
circle by a fair coin, 11 pixels wide, and 20 questions, each about a random
object and of a random kind:

    10 non-relational   shape of the object; is it in the left half; is it in
                        the top half
    10 relational       shape of the object closest to it; shape of the one
                        furthest from it; how many objects have its shape,
                        itself included

A question-only baseline answers 50 % of the non-relational questions, all of
them fair coins, and 43.75 % of the relational ones: closest and furthest are
coins, and of the five coins that decide a count, two or three match the queried
object's in 10 of 32 cases each: (50 + 50 + 31.25) / 3. `metrics.baselines`
measures 49.9 and 43.8 %, the mean of ten sets with 1,000 test images. A test
split of 200 images is a sample: with seed 0, 51.05 and 45.55 %.

Three departures from the public generators make every answer unambiguous:

- objects do not overlap (there, the corners of squares may),
- no object is centered on the line between two halves, which counts as left or
  top there; without this, "yes" would be correct in 50.8 % of the cases,
- the closest and the furthest object are unique (there, a tie goes to the
  first color).

Shapes are drawn after the positions, so they remain fair coins. Questions are
sentences instead of codes, and there is a validation split.
"""

import io
import math
import os
from typing import TypedDict

import numpy as np
from PIL import Image

from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.datasets.sort_of_clevr_questions import SceneObject
from vqa_keras.datasets.sort_of_clevr_questions import generate_questions
from vqa_keras.errors import UserError

NAME = "sort_of_clevr"
ANSWER_RULE = "text"
ARGUMENTS = (
    "seed",
    "train_images",
    "validation_images",
    "test_images",
    "num_objects",
    "drawing_size",
)
# The six of the published set come first; the rest are for more objects.
COLORS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "orange": (255, 156, 0),
    "gray": (128, 128, 128),
    "yellow": (255, 255, 0),
    "purple": (128, 0, 160),
    "brown": (120, 64, 16),
    "cyan": (0, 255, 255),
    "black": (0, 0, 0),
}
SHAPES = ("square", "circle")

_SPLITS = ("train", "validation", "test")
_DRAWING_SIZES = (30, 2000)  # In less than 30 pixels a circle looks square.
_TRIES = 64  # Another number gives other images for the same seed.


class Drawing(TypedDict):
    """Argument of `draw`; a dict, because it is sent to workers as JSON."""

    size: int  # pixels per side
    objects: list[SceneObject]


def find(directory: str | os.PathLike[str] | None = None) -> None:
    """Returns None: the data set is generated and has no folder.

    Args:
        directory: must be None.

    Raises:
        UserError: if `directory` is not None.
    """
    if directory is not None:
        raise UserError(
            "sort_of_clevr is generated and must be without --input. "
            f"Received: {directory}"
        )


def read(
    folder: None,
    table: QuestionTable,
    seed: int = 0,
    train_images: int = 9800,
    validation_images: int = 200,
    test_images: int = 200,
    num_objects: int = 6,
    drawing_size: int = 75,
) -> None:
    """Adds all images, as drawings, and their questions to a table.

    Args:
        folder: None, from `find`; not used.
        table: `QuestionTable` to fill.
        seed: int, at least 0, chooses the data set. Defaults to 0.
        train_images: int, at least 1. In every split, a smaller set is the
            beginning of a larger one. Defaults to 9800.
        validation_images: int, generated in addition to the training images.
            Defaults to 200.
        test_images: int. Defaults to 200.
        num_objects: int, 2 to 10, each of another color: the six of the
            published set, then purple, brown, cyan and black. Defaults to 6.
        drawing_size: int, pixels per side, 30 to 2,000. Objects scale with it.
            Defaults to 75.

    Raises:
        UserError: if an argument is out of range.
    """
    del folder
    numbers = (train_images, validation_images, test_images)
    for split, images in zip(_SPLITS, numbers, strict=True):
        _check_range(f"{split}_images", images, 1 if split == "train" else 0)
    for split, images in zip(_SPLITS, numbers, strict=True):
        for number in range(images):
            image = scene(seed, split, number, num_objects, drawing_size)
            table.add_image(split, image.image_id, None, image.drawing)
            for question in image.questions:
                table.add_question(split, image.image_id, question)


def scene(
    seed: int,
    split: str,
    number: int,
    num_objects: int = 6,
    drawing_size: int = 75,
) -> ImageQuestions:
    """Generates one image and its questions; equal arguments, equal scenes.

    Args:
        seed: int, at least 0.
        split: "train", "validation" or "test".
        number: int, index of the image in the split.
        num_objects: int, 2 to 10. Defaults to 6.
        drawing_size: int, 30 to 2,000. Defaults to 75.

    Returns:
        `ImageQuestions` with a `Drawing` and 20 questions, whose question_type
        is "non-relational" or "relational". Coordinates of boxes are integers.

    Raises:
        UserError: if an argument is out of range.
    """
    _check(seed, split, number, num_objects, drawing_size)
    rng = np.random.default_rng([seed, _SPLITS.index(split), number])
    half = drawing_size // 15
    centers = _place(rng, num_objects, drawing_size, half)
    shapes = rng.integers(len(SHAPES), size=num_objects).tolist()
    objects = [
        SceneObject(
            color=color,
            shape=SHAPES[shape],
            box=[x - half, y - half, x + half + 1, y + half + 1],
        )
        for color, shape, (x, y) in zip(COLORS, shapes, centers, strict=False)
    ]
    image_id = f"{split}-{number}"
    questions = generate_questions(rng, objects, drawing_size)
    return ImageQuestions(
        image_id,
        drawing=Drawing(size=drawing_size, objects=objects),
        questions=[
            Question(f"{image_id}-{i}", **question._asdict())
            for i, question in enumerate(questions)
        ],
    )


def draw(drawing: Drawing) -> bytes:
    """Draws a scene; every pixel is white or has the color of an object.

    Args:
        drawing: `Drawing`, from `scene(...).drawing`.

    Returns:
        bytes, a PNG file.
    """
    size = drawing["size"]
    pixels = np.full((size, size, 3), 255, np.uint8)
    for item in drawing["objects"]:
        left, top, right, bottom = item["box"]
        window = pixels[top:bottom, left:right]
        if item["shape"] == "square":
            window[:] = COLORS[item["color"]]
        else:
            radius = (right - left) / 2
            offset = np.square(np.arange(right - left) + 0.5 - radius)
            inside = offset[:, None] + offset <= radius * radius
            window[inside] = COLORS[item["color"]]
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def _place(
    rng: np.random.Generator, num_objects: int, drawing_size: int, half: int
) -> list[list[int]]:
    """Samples centers uniformly among those of unambiguous questions."""
    while True:
        tries = rng.integers(
            half, drawing_size - half, size=(_TRIES, num_objects, 2)
        )
        apart = np.abs(tries[:, :, None] - tries[:, None]).max(axis=-1)
        apart[:, *np.diag_indices(num_objects)] = drawing_size
        valid = (apart > 2 * half).all(axis=(1, 2))
        if drawing_size % 2:
            valid &= (tries != drawing_size // 2).all(axis=(1, 2))
        for centers in tries[valid]:
            if _unique_neighbors(centers):
                return centers.tolist()


def _unique_neighbors(centers: np.ndarray) -> bool:
    """Returns whether each object has one closest and one furthest other."""
    if len(centers) == 2:
        return True
    distances = np.square(centers[:, None] - centers).sum(axis=-1)
    distances.sort(axis=1)  # Column 0 is the distance to itself.
    closest = distances[:, 1] < distances[:, 2]
    furthest = distances[:, -2] < distances[:, -1]
    return bool((closest & furthest).all())


def _check(
    seed: int, split: str, number: int, num_objects: int, drawing_size: int
) -> None:
    if split not in _SPLITS:
        raise ValueError(f"`split` must be one of {_SPLITS}. Received: {split}")
    _check_range("seed", seed, 0)
    _check_range("number", number, 0)
    _check_range("num_objects", num_objects, 2, len(COLORS))
    _check_range("drawing_size", drawing_size, *_DRAWING_SIZES)


def _check_range(
    name: str, value: float, least: int, most: float = math.inf
) -> None:
    if not least <= value <= most:
        limits = (
            f"at least {least}" if most == math.inf else f"{least} to {most}"
        )
        raise UserError(f"`{name}` must be {limits}. Received: {value}")
