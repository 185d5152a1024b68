"""A run: the folder that training writes and the other commands read.

RUN/                 preset of the task, image encoder inside
RUN/results.json     what the run reached, written last
RUN/image_encoder/   preset of a CNN that was trained inside the task
RUN/training/        checkpoints and logs; may be deleted
"""

import os
import pathlib

from vqa_keras import preset_files
from vqa_keras import presets
from vqa_keras.data import Records
from vqa_keras.data.record_vocabularies import RecordVocabularies
from vqa_keras.errors import UserError
from vqa_keras.image_encoders import weights_sha256
from vqa_keras.models import VQA
from vqa_keras.models import VQAPreprocessor
from vqa_keras.runs.results import RESULTS
from vqa_keras.runs.results import RunResults
from vqa_keras.runs.results import read_results


def load_run(directory: str | os.PathLike[str]) -> tuple[VQA, RunResults]:
    """Returns the task and the results of a finished run.

    Args:
        directory: folder of the run, or the name of a shipped preset.

    Raises:
        UserError: if the folder is missing or holds no finished run, or one
            whose files are not those that its results.json names.
    """
    directory = pathlib.Path(presets.find(directory))
    if not directory.is_dir():
        raise UserError(
            f"A run must be the folder of one. Received: {directory}"
        )
    path = directory / RESULTS
    if not path.is_file():
        raise UserError(
            f"{path} must be the file that vqa_keras.zoo.train writes last. "
            f"Received: a folder of {_contents(directory)}"
        )
    with preset_files.checked(directory):  # both of one run
        results = read_results(path)
        return VQA.from_preset(str(directory)), results


def preprocessor_of(task: VQA) -> VQAPreprocessor:
    """Returns the preprocessor of a task, which has the answers.

    Raises:
        ValueError: if it has none.
    """
    if task.preprocessor is None:
        raise ValueError("`task` must have a preprocessor. Received: none")
    return task.preprocessor


def task_for_records(task: VQA, records: Records, results: RunResults) -> VQA:
    """Returns `task` in the form that reads these records.

    Args:
        task: a `VQA`, with its image encoder inside if it has one.
        records: `Records`.
        results: those of its run.

    Raises:
        UserError: if the CNN or a vocabulary of the records is not that of the
            task.
    """
    preprocessor = preprocessor_of(task)
    RecordVocabularies(records.files).check(
        preprocessor.tokenizer.get_vocabulary(),
        preprocessor.tokenizer.strip_accents,
        preprocessor.answers,
    )
    if results.inputs == "images":
        return task
    if task.backbone.image_encoder is None:
        records.files.check_features(results.weights_sha256)
        return task
    records.files.check_features(weights_sha256(task.backbone.image_encoder))
    return task.without_image_encoder()


def check_takes_images(task: VQA) -> None:
    """Refuses a task of precomputed region features, which has no CNN."""
    if task.backbone.image_encoder is None:
        raise UserError(
            "The run must have its CNN inside, to take images. Received: a run "
            "of precomputed region features; vqa_keras.zoo.evaluate reads "
            "those from records"
        )


def _contents(directory: pathlib.Path) -> str:
    names = sorted(path.name for path in directory.iterdir())[:5]
    return ", ".join(names) or "no file"
