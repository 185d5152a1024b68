"""Begins, resumes and finishes the records of a folder."""

import collections
import hashlib
import itertools
import json
import os
import pathlib
import re
from collections.abc import Mapping
from typing import Any

from vqa_keras.data.dataset_info import FILE
from vqa_keras.data.dataset_info import SCHEMA_VERSION
from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.dataset_info import VocabularyFile
from vqa_keras.data.features import Features
from vqa_keras.data.json_fields import json_object
from vqa_keras.data.records_folder import Records
from vqa_keras.data.splits import Split
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.errors import UserError
from vqa_keras.files import flush_files
from vqa_keras.files import read_json
from vqa_keras.files import write_atomically
from vqa_keras.lock import LOCK
from vqa_keras.writing.dropped import DROPPED_FILE
from vqa_keras.writing.dropped import check_dropped
from vqa_keras.writing.dropped import write_dropped
from vqa_keras.writing.record_text import ANSWER_VOCABULARY
from vqa_keras.writing.record_text import QUESTION_VOCABULARY
from vqa_keras.writing.record_text import TEXT
from vqa_keras.writing.record_text import TextOptions
from vqa_keras.writing.saved_encoder import FILE as ENCODER_FILE
from vqa_keras.writing.shards import MARKER_SUFFIX
from vqa_keras.writing.shards import remove_leftovers
from vqa_keras.writing.shards import remove_markers
from vqa_keras.writing.training_answers import FILE as TRAINING_ANSWERS
from vqa_keras.writing.training_answers import write_training_answers
from vqa_keras.writing.work_folder import WorkFolder

_ARGUMENTS = "arguments.json"
_SHARD = re.compile(r"\w+-\d{5}-of-\d{5}\.tfrecord(\.done\.json)?")


def sha256_of(value: Any) -> str:
    """Returns the hex sha256 of a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def open_folder(
    output: str | os.PathLike[str], overwrite: bool = False
) -> WorkFolder:
    """Prepares a folder for writing, before all arguments are known.

    Args:
        output: str or path, folder; created if it does not exist.
        overwrite: bool, whether to remove existing records. Defaults to False.

    Returns:
        The `WorkFolder` in it.

    Raises:
        UserError: if the folder holds other files, or cannot be made.
    """
    if "://" in str(output):
        raise UserError(
            "--output must be a folder of a file system that this machine and "
            f"all workers have mounted. Received: {output}"
        )
    output = pathlib.Path(output)
    if output.exists() and not output.is_dir():
        raise UserError(
            f"--output must be a folder. Received: the file {output}"
        )
    if overwrite and output.is_dir():
        _remove_records(output)
    work = WorkFolder(output)
    if (
        output.is_dir()
        and _written_arguments(output) is None
        and {path.name for path in output.iterdir()} - {work.path.name, LOCK}
    ):
        raise UserError(
            "--output must be a new or empty folder, or one that this command "
            f"began. Received: {output}, which holds other files"
        )
    try:
        work.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"--output={output} cannot be made: {error.strerror}"
        ) from error
    return work


def begin(
    output: str | os.PathLike[str], arguments: dict[str, Any]
) -> Records | None:
    """Begins the records of some arguments, or resumes them.

    Writes the arguments to the folder before anything else: a rerun after a
    kill compares its own with those of the finished shards.

    Args:
        output: str or path, folder prepared by `open_folder`.
        arguments: dict of JSON values, all that the records depend on.

    Returns:
        `Records` if the folder holds these records completely, else None.

    Raises:
        UserError: if the folder holds records of other arguments; names the
            first that differs.
    """
    output = pathlib.Path(output)
    written = _written_arguments(output)
    if written is None:
        _write_arguments(output, arguments)
        return None
    try:
        _compare(output, written, arguments)
    except UserError:
        if (output / FILE).exists():
            _tidy(output)
        raise
    remove_leftovers(output)
    if not (output / FILE).exists():
        return None
    try:
        records = Records(output)
    except UserError:  # A shard is missing: it is written again.
        _write_arguments(output, arguments)
        (output / FILE).unlink()
        return None
    _tidy(output)
    return records


def remove_other_shards(
    output: str | os.PathLike[str], shards: dict[str, list[str]]
) -> None:
    """Removes shards that an earlier run divided in another way.

    Images may have changed since, and with them the sizes of the shards.

    Args:
        output: str or path, folder of the records.
        shards: `{split: [shard name, ...]}` of this run.
    """
    kept = {name for names in shards.values() for name in names}
    for path in pathlib.Path(output).iterdir():
        name = path.name.removesuffix(MARKER_SUFFIX)
        if _SHARD.fullmatch(path.name) and name not in kept:
            path.unlink()


def finish(
    output: str | os.PathLike[str],
    shards: dict[str, list[str]],
    table: QuestionTable,
    *,
    dataset: str,
    text: TextOptions,
    features: Features | None,
    stored_images: bool,
    arguments: dict[str, Any],
    allow_dropped: bool = False,
) -> Records:
    """Writes `dropped.jsonl` and, last, `dataset_info.json`.

    Args:
        output: str or path, folder of the records.
        shards: `{split: [shard name, ...]}`, all of them written.
        table: `QuestionTable`, for the items that its reader dropped.
        dataset: field of `DatasetInfo`.
        text: `TextOptions`, of two fields.
        features: see there.
        stored_images: see there.
        arguments: see there.
        allow_dropped: bool, whether more than 1 % of the images or of the
            questions may be dropped. Defaults to False.

    Returns:
        The `Records`.

    Raises:
        UserError: if too many items were dropped, or no training image is
            left, or none at all; the records are then incomplete, but kept for
            a rerun.
    """
    output = pathlib.Path(output)
    work = WorkFolder(output)
    reports = [work.report(name) for split in shards for name in shards[split]]
    splits = {
        split: Split.of(work.shard(name) for name in names)
        for split, names in shards.items()
    }
    dropped = itertools.chain(
        table.dropped(),
        (item for report in reports for item in report.dropped),
    )
    counts, missing = write_dropped(output, dropped)
    check_dropped(output, splits, counts, missing, allow_dropped)
    reasons: collections.Counter[str] = collections.Counter()
    for (_, reason), count in counts.items():
        reasons[reason] += count
    info = DatasetInfo(
        dataset=dataset,
        splits=splits,
        question_vocabulary=VocabularyFile.of(output / QUESTION_VOCABULARY),
        answer_vocabulary=VocabularyFile.of(output / ANSWER_VOCABULARY),
        sequence_length=work.sequence_length(),
        strip_accents=bool(text.strip_accents),
        answer_rule=text.answer_rule or TEXT,
        features=features,
        stored_images=stored_images,
        dropped=dict(sorted(reasons.items())),
        dropped_file=DROPPED_FILE if reasons else None,
        cut_questions=sum(report.cut_questions for report in reports),
        training_answers=VocabularyFile.of(
            write_training_answers(output, shards["train"])
        )
        if shards.get("train")
        else None,
        arguments=arguments,
    )
    flush_files(output / name for split in shards for name in shards[split])
    info.write(output)
    _tidy(output)
    return Records(output)


def _write_arguments(output: pathlib.Path, arguments: dict[str, Any]) -> None:
    path = WorkFolder(output).path / _ARGUMENTS
    write_atomically(path, json.dumps(arguments))


def _written_arguments(output: pathlib.Path) -> Mapping[str, Any] | None:
    if (output / FILE).is_file():
        info = DatasetInfo.read(output)
        if info.schema_version != SCHEMA_VERSION:
            raise UserError(
                f"{output} must hold records of schema version "
                f"{SCHEMA_VERSION} to resume. Received: version "
                f"{info.schema_version}, which is only read. Pass --overwrite "
                "to write all again"
            )
        return info.arguments
    path = WorkFolder(output).path / _ARGUMENTS
    if not path.is_file():
        return None
    try:
        return json_object(read_json(path), str(path))
    except UserError as error:
        raise UserError(
            f"{error}. Pass --overwrite to write all again"
        ) from error


def _compare(
    output: pathlib.Path,
    written: Mapping[str, Any],
    arguments: dict[str, Any],
) -> None:
    # Names of flags first, hashes last.
    names = {*written, *arguments}
    for name in sorted(names, key=lambda name: ("sha256" in name, name)):
        if written.get(name) != arguments.get(name):
            raise UserError(
                f"{output} holds records of other arguments: {name} must be "
                f"{written.get(name)}. Received: {name}={arguments.get(name)}. "
                "Name another --output, or pass --overwrite to replace them"
            )


def _remove_records(output: pathlib.Path) -> None:
    """Removes the records of a folder, `dataset_info.json` first."""
    (output / FILE).unlink(missing_ok=True)
    for path in sorted(output.iterdir()):
        if _SHARD.fullmatch(path.name):
            path.unlink()
    for name in (
        QUESTION_VOCABULARY,
        ANSWER_VOCABULARY,
        ENCODER_FILE,
        DROPPED_FILE,
        TRAINING_ANSWERS,
    ):
        (output / name).unlink(missing_ok=True)
    remove_leftovers(output)
    WorkFolder(output).remove()


def _tidy(output: pathlib.Path) -> None:
    remove_markers(output)
    WorkFolder(output).remove()
