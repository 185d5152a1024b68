"""Reads the vocabularies of a trained model, without its weights."""

import os
import pathlib

from vqa_keras import presets
from vqa_keras.errors import UserError
from vqa_keras.writing.text_options import RUN
from vqa_keras.writing.text_options import ModelVocabularies

_FILE = "preprocessor.json"


def read_model_vocabularies(
    preset: str | os.PathLike[str] | None, answers_of: str | None = None
) -> ModelVocabularies | None:
    """Returns the question words and the answers of a run or preset.

    Args:
        preset: folder of a run, name of a shipped preset or hub handle; or
            None, which gives None.
        answers_of: "run" or "data", see `ModelVocabularies`. Defaults to None:
            "run".

    Raises:
        UserError: if there is no such run, or it has no vocabularies.
    """
    if preset is None:
        if answers_of is not None:
            raise UserError(
                "--answers_of must be given with --vocabularies. Received: "
                f"--answers_of={answers_of} alone"
            )
        return None
    try:
        folder = presets.find(preset)
    except UserError as error:
        raise UserError(f"--vocabularies: {error}") from error
    if "://" not in folder:
        _check_folder(pathlib.Path(folder), preset)
    # Imported here: it takes a second, which most calls can do without.
    from vqa_keras.models import VQAPreprocessor

    try:
        presets.check_version(folder)
        found = VQAPreprocessor.from_preset(folder)
    except UserError:
        raise
    except Exception as error:  # KerasHub's are of many classes.
        raise UserError(
            f"--vocabularies: {preset} must hold a readable {_FILE}. Received: "
            f"{type(error).__name__}: {_first_line(error)}"
        ) from error
    if not isinstance(found, VQAPreprocessor):
        raise UserError(
            f"--vocabularies: {preset} must be of a VQA task. Received: a "
            f"{type(found).__name__}"
        )
    return ModelVocabularies(
        source=str(preset),
        words=found.tokenizer.get_vocabulary(),
        strip_accents=found.tokenizer.strip_accents,
        answers=list(found.answers),  # from a list of Keras
        answers_of=answers_of or RUN,
    )


def _check_folder(folder: pathlib.Path, preset: str | os.PathLike[str]) -> None:
    if (folder / _FILE).is_file():
        return
    received = "a preset of KerasHub"
    if folder.is_dir():
        names = sorted(path.name for path in folder.iterdir())[:5]
        received = f"a folder of {', '.join(names) or 'no file'}"
    raise UserError(
        "--vocabularies must be the folder of a run or a shipped preset, with "
        f"the words and answers in {_FILE}. Received: {preset}, {received}"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
