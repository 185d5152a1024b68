"""Begins, resumes and finishes the records of a folder."""

import collections
import hashlib
import itertools
import json
import os
import pathlib
import re
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from vqa_keras.data.dataset_info import FILE
from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.dataset_info import file_entry
from vqa_keras.data.dataset_info import split_entry
from vqa_keras.datasets.question import Dropped
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.errors import UserError
from vqa_keras.files import flush_files
from vqa_keras.files import write_atomically
from vqa_keras.writing.record_text import ANSWER_VOCABULARY
from vqa_keras.writing.record_text import QUESTION_VOCABULARY
from vqa_keras.writing.saved_encoder import FILE as ENCODER_FILE
from vqa_keras.writing.shards import remove_leftovers
from vqa_keras.writing.shards import remove_markers
from vqa_keras.writing.work_folder import WorkFolder

DROPPED_FILE = "dropped.jsonl"
MAX_DROPPED = 0.01

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
        and any(path.name != work.path.name for path in output.iterdir())
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
) -> DatasetInfo | None:
    """Begins the records of some arguments, or resumes them.

    Writes the arguments to the folder before anything else: a rerun after a
    kill compares its own with those of the finished shards.

    Args:
        output: str or path, folder prepared by `open_folder`.
        arguments: dict of JSON values, all that the records depend on.

    Returns:
        `DatasetInfo` if the folder holds these records completely, else None.

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
        info = DatasetInfo.read(output)
    except UserError:  # A shard is missing: it is written again.
        _write_arguments(output, arguments)
        (output / FILE).unlink()
        return None
    _tidy(output)
    return info


def finish(
    output: str | os.PathLike[str],
    shards: dict[str, list[str]],
    table: QuestionTable,
    *,
    dataset: str,
    image_encoder: dict[str, Any] | None,
    stored_images: bool,
    arguments: dict[str, Any],
    allow_dropped: bool = False,
) -> DatasetInfo:
    """Writes `dropped.jsonl` and, last, `dataset_info.json`.

    Args:
        output: str or path, folder of the records.
        shards: `{split: [shard name, ...]}`, all of them written.
        table: `QuestionTable`, for the items that its reader dropped.
        dataset: field of `DatasetInfo`, as the next three.
        image_encoder: see there.
        stored_images: see there.
        arguments: see there.
        allow_dropped: bool, whether more than 1 % of the images or of the
            questions may be dropped. Defaults to False.

    Returns:
        `DatasetInfo`.

    Raises:
        UserError: if too many items were dropped, or no training image is
            left; the records are then incomplete, but kept for a rerun.
    """
    output = pathlib.Path(output)
    work = WorkFolder(output)
    reports = [work.report(name) for split in shards for name in shards[split]]
    splits = {
        split: split_entry([work.entry(name) for name in names])
        for split, names in shards.items()
    }
    dropped = itertools.chain(
        table.dropped(),
        (item for report in reports for item in report.dropped),
    )
    counts, missing = _write_dropped(output, dropped)
    _check_dropped(output, splits, counts, missing, allow_dropped)
    reasons: collections.Counter[str] = collections.Counter()
    for (_, reason), count in counts.items():
        reasons[reason] += count
    result = DatasetInfo(
        dataset=dataset,
        splits=splits,
        question_vocabulary=file_entry(output / QUESTION_VOCABULARY),
        answer_vocabulary=file_entry(output / ANSWER_VOCABULARY),
        sequence_length=work.sequence_length(),
        image_encoder=image_encoder,
        stored_images=stored_images,
        dropped=dict(sorted(reasons.items())),
        dropped_file=DROPPED_FILE if reasons else None,
        cut_questions=sum(report.cut_questions for report in reports),
        arguments=arguments,
    )
    flush_files(output / name for split in shards for name in shards[split])
    result.write(output)
    _tidy(output)
    return result


def _write_arguments(output: pathlib.Path, arguments: dict[str, Any]) -> None:
    path = WorkFolder(output).path / _ARGUMENTS
    write_atomically(path, json.dumps(arguments))


def _written_arguments(output: pathlib.Path) -> dict[str, Any] | None:
    for path in (output / FILE, WorkFolder(output).path / _ARGUMENTS):
        if path.is_file():
            try:
                values = json.loads(path.read_text(encoding="utf-8"))
                return values["arguments"] if path.name == FILE else values
            except (ValueError, KeyError, TypeError) as error:
                raise UserError(
                    f"{path} must be JSON in the layout of this command. "
                    f"Received: {error}. Pass --overwrite to write all again"
                ) from error
    return None


def _compare(
    output: pathlib.Path, written: dict[str, Any], arguments: dict[str, Any]
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
    ):
        (output / name).unlink(missing_ok=True)
    remove_leftovers(output)
    WorkFolder(output).remove()


def _tidy(output: pathlib.Path) -> None:
    remove_markers(output)
    WorkFolder(output).remove()


def _write_dropped(
    output: pathlib.Path, dropped: Iterable[Dropped]
) -> tuple[collections.Counter[tuple[str, str]], str | None]:
    """Writes a line per item; returns counts, the first missing image file."""
    path = output / DROPPED_FILE
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    missing: list[str] = []

    def lines() -> Iterator[str]:
        for item in dropped:
            counts[item.item, item.reason] += 1
            if item.reason == "missing_file" and item.file and not missing:
                missing.append(item.file)
            yield json.dumps(item.to_json()) + "\n"

    write_atomically(path, lines())
    if not counts:
        path.unlink()
    return counts, missing[0] if missing else None


def _check_dropped(
    output: pathlib.Path,
    splits: dict[str, Any],
    counts: collections.Counter[tuple[str, str]],
    missing: str | None,
    allow_dropped: bool,
) -> None:
    listed = ", ".join(f"{n} {why}" for (_, why), n in sorted(counts.items()))
    if missing is not None:
        listed += f"; first missing below --images or --input: {missing}"
    if not splits["train"]["images"]:
        raise UserError(
            "At least one training image must be usable. Received: none "
            f"({listed})"
        )
    for kind in ("images", "questions"):
        kept = sum(split[kind] for split in splits.values())
        count = sum(n for (item, _), n in counts.items() if f"{item}s" == kind)
        if count > MAX_DROPPED * (kept + count) and not allow_dropped:
            raise UserError(
                f"At most {MAX_DROPPED:.0%} of the {kind} may be unusable. "
                f"Received: {count} of {kept + count} ({listed}), named in "
                f"{output / DROPPED_FILE}. Correct them and write to a new "
                "--output, or run the same command with --allow_dropped"
            )
