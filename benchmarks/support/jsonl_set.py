"""A made-up data set in the jsonl format, and a small CNN for its pictures."""

import json
import sys

import numpy as np
from PIL import Image

SIDE = 56  # of a picture, in pixels
QUESTIONS = 3
_COLORS = ("red", "green", "blue", "gray")


def write(folder, images, pictures=None):
    """Writes pictures, train.jsonl and test.jsonl; every tenth is a test image.

    Args:
        folder: pathlib.Path of the data set; made if it does not exist.
        images: int, images with `QUESTIONS` questions each.
        pictures: int, picture files that the images share. Defaults to one
            an image.

    Returns:
        list of `(image_id, path of the picture)` in the order of the images.
    """
    pictures = pictures or images
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for number in range(pictures):
        _picture(number).save(folder / "pictures" / f"{number}.png")
    written = []
    with (
        open(folder / "train.jsonl", "w", encoding="utf-8") as train,
        open(folder / "test.jsonl", "w", encoding="utf-8") as test,
    ):
        for number in range(images):
            path = f"pictures/{number % pictures}.png"
            file = test if number % 10 == 9 else train
            for i in range(QUESTIONS):
                file.write(f"{json.dumps(_line(number, i, path))}\n")
            written.append((f"image-{number}", folder / path))
    return written


def save_cnn(path):
    """Saves a CNN that makes a grid of 7 x 7 x 64 of a picture."""
    import keras

    keras.utils.set_random_seed(0)
    images = keras.Input((SIDE, SIDE, 3))
    scaled = keras.layers.Rescaling(1 / 255)(images)
    grid = keras.layers.Conv2D(64, 8, strides=8, activation="relu", name="grid")
    keras.Model(images, grid(scaled)).save(path)


def command(folder, output, cnn, *flags):
    """Returns the command that writes the records of a data set.

    Args:
        folder: the data set.
        output: folder of the records.
        cnn: `.keras` file.
        *flags: more flags, str.
    """
    return [
        sys.executable,
        "-m",
        "pipelines.write_records",
        "--dataset=jsonl",
        f"--input={folder}",
        f"--output={output}",
        f"--image_encoder={cnn}",
        *flags,
    ]


def _picture(number):
    rng = np.random.default_rng(number)
    cells = rng.integers(0, 256, (7, 7, 3), dtype="uint8")
    return Image.fromarray(cells).resize((SIDE, SIDE))


def _line(number, i, path):
    color = _COLORS[(number + i) % len(_COLORS)]
    return {
        "question_id": f"{number}-{i}",
        "image_id": f"image-{number}",
        "image": path,
        "question": f"what color is thing {i} of {number % 500}?",
        "answers": [color],
        "question_type": "what color",
        "answer_type": "other",
    }
