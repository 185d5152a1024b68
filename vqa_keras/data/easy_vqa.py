"""Reads easy-VQA: 5,000 pictures of one shape, 48,248 questions."""

import hashlib
import importlib.util
import json
import pathlib

from vqa_keras.errors import UserError

NAME = "easy_vqa"


def find(directory=None):
    """Returns the folder of the data set as a `pathlib.Path`.

    Args:
        directory: folder with `train/` and `test/`. Defaults to the one
            inside the installed package easy-vqa.

    Raises:
        UserError: if there is no such folder, or no such package.
    """
    if directory is None:
        spec = importlib.util.find_spec("easy_vqa")
        if spec is None or not spec.submodule_search_locations:
            raise UserError(
                "easy_vqa needed the package easy-vqa. Received: no such "
                "package; run `pip install vqa-keras[data]`, or name the "
                "folder of the data with --input=DIR"
            )
        directory = pathlib.Path(spec.submodule_search_locations[0], "data")
    directory = pathlib.Path(directory)
    for split in ("train", "test"):
        for needed in (f"{split}/questions.json", f"{split}/images"):
            if not (directory / needed).exists():
                raise UserError(
                    "easy_vqa needed a folder with train/ and test/, each with "
                    f"questions.json and images/. Received: {directory}, "
                    f"without {needed}"
                )
    return directory


def read(directory, validation_fraction=0.1, seed=0):
    """Reads the questions of all splits, image by image.

    The validation split is a part of the training images, chosen by a hash of
    seed and image id, so that no image is in both.

    Args:
        directory: what `find` returned.
        validation_fraction: float, the part of the training images.
        seed: int. Another seed chooses other images.

    Returns:
        Dict of "train", "validation" (unless it is empty) and "test", each a
        list of images ordered by id. An image is a dict of image_id, path
        (below `directory`) and questions, a list of dicts of question_id,
        question, question_type, answer_type and answers. Whether the picture
        can be read is not looked at.

    Raises:
        UserError: if a questions.json is not a list of
            [question, answer, image id], with file, row and what was found.
    """
    if not 0 <= validation_fraction < 1:
        raise UserError(
            "validation_fraction must be at least 0 and less than 1. "
            f"Received: {validation_fraction}"
        )
    train = _read_split(directory, "train")
    count = round(validation_fraction * len(train))
    ranked = sorted(train, key=lambda image: _hash(seed, image["image_id"]))
    held_out = {image["image_id"] for image in ranked[:count]}
    splits = {
        "train": [i for i in train if i["image_id"] not in held_out],
        "validation": [i for i in train if i["image_id"] in held_out],
        "test": _read_split(directory, "test"),
    }
    return {split: images for split, images in splits.items() if images}


def _hash(seed, image_id):
    return hashlib.sha256(f"{seed} {image_id}".encode()).digest()


def _read_split(directory, split):
    path = pathlib.Path(directory, split, "questions.json")
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(
            f"{path}: needed a JSON list of questions. Received: {error}"
        ) from error
    if not isinstance(rows, list) or not rows:
        raise UserError(
            f"{path}: needed a JSON list of at least one question. Received: "
            f"{json.dumps(rows)[:60]}"
        )
    images = {}
    for number, row in enumerate(rows):
        question, answer, image_id = _checked(path, number, row)
        image = images.setdefault(
            image_id,
            {
                "image_id": f"{split}-{image_id}",
                "path": f"{split}/images/{image_id}.png",
                "questions": [],
            },
        )
        image["questions"].append(
            {
                "question_id": f"{split}-{number}",
                "question": question,
                "question_type": _question_type(question),
                "answer_type": "yes/no" if answer in ("yes", "no") else "other",
                "answers": [answer],
            }
        )
    return [images[image_id] for image_id in sorted(images)]


def _checked(path, number, row):
    if (
        isinstance(row, list)
        and [type(value) for value in row] == [str, str, int]
        and row[2] >= 0
    ):
        # A lone surrogate is valid JSON, but no text can be written with it.
        texts = [t.encode("utf-8", "replace").decode() for t in row[:2]]
        return *texts, row[2]
    raise UserError(
        f"{path}, row {number}: needed [question, answer, image id], two texts "
        f"and a number. Received: {json.dumps(row)[:200]}"
    )


def _question_type(question):
    words = question.lower().split()
    if not words or words[0] != "what":
        return "yes/no"
    return "color" if "color" in words else "shape"
