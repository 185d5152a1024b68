"""Writes a synthetic data set in the jsonl format, and a CNN for its images."""

import json
import sys

import numpy as np
from PIL import Image

SIDE = 56  # of an image, in pixels
QUESTIONS = 3
_COLORS = ("red", "green", "blue", "gray")


def write(folder, images, files=None):
    """Writes image files, train.jsonl and test.jsonl.

    Every tenth image is a test image.

    Args:
        folder: `pathlib.Path` of the data set; created if it does not exist.
        images: int, images with `QUESTIONS` questions each.
        files: int, number of image files, shared by the images. Defaults to
            one per image.

    Returns:
        List of `(image_id, path of the file)` in the order of the images.
    """
    files = files or images
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for number in range(files):
        _image(number).save(folder / "images" / f"{number}.png")
    written = []
    with (
        open(folder / "train.jsonl", "w", encoding="utf-8") as train,
        open(folder / "test.jsonl", "w", encoding="utf-8") as test,
    ):
        for number in range(images):
            path = f"images/{number % files}.png"
            file = test if number % 10 == 9 else train
            for i in range(QUESTIONS):
                file.write(f"{json.dumps(_line(number, i, path))}\n")
            written.append((f"image-{number}", folder / path))
    return written


def save_cnn(path):
    """Saves a CNN from an image to a grid of 7 x 7 x 64."""
    import keras

    keras.utils.set_random_seed(0)
    images = keras.Input((SIDE, SIDE, 3))
    scaled = keras.layers.Rescaling(1 / 255)(images)
    grid = keras.layers.Conv2D(64, 8, strides=8, activation="relu", name="grid")
    keras.Model(images, grid(scaled)).save(path)


def command(folder, output, cnn, *flags):
    """Returns the command that writes the records of a data set.

    Args:
        folder: str or path, folder of the data set.
        output: str or path, folder of the records.
        cnn: str or path, `.keras` file.
        *flags: str, more flags.
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


def _image(number):
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
