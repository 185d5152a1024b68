"""A run: the folder that training writes and the other commands read.

RUN/                 preset of the task, image encoder inside
RUN/results.json     what the run reached, written last
RUN/image_encoder/   preset of a CNN that was trained inside the task
RUN/training/        checkpoints and logs; may be deleted
"""

import json
import os
import pathlib

from vqa_keras import presets
from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.files import make_folder_of
from vqa_keras.files import write_atomically
from vqa_keras.image_encoders import weights_sha256
from vqa_keras.models import VQA

RESULTS = presets.RESULTS


def load_run(directory: str | os.PathLike) -> tuple[VQA, dict]:
    """Returns the task and the results of a finished run.

    Args:
        directory: folder of the run, or the name of a shipped preset.

    Raises:
        UserError: if the folder is missing or holds no finished run.
    """
    directory = pathlib.Path(presets.find(directory))
    if not directory.is_dir():
        raise UserError(f"needed the folder of a run. Received: {directory}")
    path = directory / RESULTS
    if not path.is_file():
        raise UserError(
            f"{path} is missing: needed a finished run of "
            f"vqa_keras.zoo.train. Found: {_contents(directory)}"
        )
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        if results["recipe"]["model"].endswith("VQA"):
            raise UserError(
                f"{directory}: needed a run of this version. Received: a run "
                "of vqa_keras 0.1; write it again with --noresume: "
                f"{results['command']}"
            )
        if results["inputs"] not in ("regions", "grids", "images"):
            raise ValueError(f"{path}: inputs are {results['inputs']!r}")
        return VQA.from_preset(str(directory)), results
    except UserError:
        raise
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise UserError(
            f"{directory} holds no readable run: {type(error).__name__}: "
            f"{error}"
        ) from error


def task_for_records(task: VQA, records: Records, results: dict) -> VQA:
    """Returns `task` in the form that reads these records.

    Args:
        task: a `VQA`, with its image encoder inside if it has one.
        records: `Records`.
        results: the results of its run.

    Raises:
        UserError: if the records come from another CNN, or have another
            question or answer vocabulary than the task was trained on.
    """
    _check_vocabularies(task, records)
    if results["inputs"] == "images":
        return task
    if task.backbone.image_encoder is None:
        records.files.check_features(results["weights_sha256"])
        return task
    records.files.check_features(weights_sha256(task.backbone.image_encoder))
    return task.without_image_encoder()


def check_takes_pictures(task: VQA) -> None:
    """Refuses a task of precomputed region features, which has no CNN."""
    if task.backbone.image_encoder is None:
        raise UserError(
            "needed a run with its CNN inside, to look at pictures. Received: "
            "a run that was trained on precomputed region features; "
            "vqa_keras.zoo.evaluate reads those from records"
        )


def write_json(path: str | os.PathLike, value: object) -> None:
    """Writes a JSON file that appears under its name when it is whole."""
    write_atomically(make_folder_of(path), json.dumps(value, indent=1) + "\n")


def _check_vocabularies(task, records):
    files, info = records.files, records.info
    _check_words(
        files.path(info.question_vocabulary.file),
        task.preprocessor.tokenizer.get_vocabulary(),
        records.vocabulary,
    )
    _check_words(
        files.path(info.answer_vocabulary.file),
        task.preprocessor.answers,
        records.answers,
    )


def _check_words(path, needed, received):
    if needed == received:
        return
    difference = ""
    for i, (a, b) in enumerate(zip(needed, received, strict=False)):
        if a != b:
            difference = f"; entry {i} is {b!r} instead of {a!r}"
            break
    raise UserError(
        f"{path}: needed the vocabulary of the model, {len(needed)} entries. "
        f"Received: {len(received)} entries{difference}"
    )


def _contents(directory):
    names = sorted(path.name for path in directory.iterdir())[:5]
    return ", ".join(names) or "an empty folder"
