"""A file of answers that a killed command continues."""

import collections
import hashlib
import json
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import NoReturn

from vqa_keras.datasets.asked_questions import AskedQuestion
from vqa_keras.errors import UserError
from vqa_keras.files import flush_files
from vqa_keras.files import make_folder_of
from vqa_keras.files import parse_json
from vqa_keras.runs import checked_json
from vqa_keras.runs.answer_many import AnsweredQuestion


class AnswersFile:
    """A .jsonl file with a line per question, in their order.

    A line is an object: `question_id`, `image`, `question`, `answers` and
    `probabilities`, or `error` in place of the last two. The file
    `<name>.settings.json` beside it holds what the lines depend on, and its
    own hash; `<name>.checksums` holds a checksum per line. Only lines of equal
    settings that nothing has changed are continued.

    Args:
        path: the file.
        settings: by name, what the lines depend on; strings and numbers.

    Attributes:
        path: the file.
        counts: the lines by their `error`, and by "" for an answer "".
    """

    def __init__(self, path: str | os.PathLike[str], settings: dict[str, Any]):
        self.path = make_folder_of(path)
        self.settings = settings
        self.counts: collections.Counter[str] = collections.Counter()
        self._settings_path = self._beside("settings.json")
        self._checksums_path = self._beside("checksums")

    def resume(self, questions: Iterator[AskedQuestion]) -> int:
        """Returns how many questions have a line; cuts off half a line.

        Args:
            questions: all questions; left at the first without a line.

        Raises:
            UserError: if the file is of other settings or holds other lines
                than were written.
        """
        if self.path.exists() and not self.path.is_file():
            self._refuse("must be a file", "another kind")
        if not self.path.exists() or self.path.stat().st_size == 0:
            self.start()
            return 0
        for path in (self._settings_path, self._checksums_path):
            if not path.is_file():
                self._refuse(
                    "must be a new file, or that of the same command",
                    f"a file without {path.name}",
                )
        try:
            found = checked_json.read(self._settings_path)
        except (ValueError, OSError) as error:
            self._refuse(
                f"must be beside the {self._settings_path.name} that was "
                "written with it",
                f"a changed one: {error}",
            )
        for name, value in self.settings.items():
            if found.get(name) != value:
                self._refuse(
                    f"must be of the same {name}",
                    f"{found.get(name)} there, and {value} now",
                )
        return self._count(questions)

    def start(self) -> None:
        """Empties the file, for lines of these settings."""
        # In this order: a kill leaves no lines beside settings of others.
        try:
            self.path.write_bytes(b"")
            self._checksums_path.write_bytes(b"")
        except OSError as error:
            raise self._unwritable(error) from error
        checked_json.write(self._settings_path, self.settings)

    def write(self, batches: Iterable[list[AnsweredQuestion]]) -> Iterator[int]:
        """Appends the lines of batches; yields the number after each batch.

        Raises:
            UserError: if the file cannot be written.
        """
        try:
            with (
                open(self.path, "ab") as file,
                open(self._checksums_path, "ab") as checksums,
            ):
                for batch in batches:
                    lines = [self._line(answered) for answered in batch]
                    # Checksums first: every whole line of a kill has one.
                    for written, parts in (
                        (checksums, map(_checksum, lines)),
                        (file, lines),
                    ):
                        written.write(b"".join(parts))
                        written.flush()
                    yield len(batch)
        except OSError as error:
            raise self._unwritable(error) from error
        flush_files([self.path, self._checksums_path, self.path.parent])

    def _line(self, answered: AnsweredQuestion) -> bytes:
        values = answered.asked._asdict()
        if answered.error is None:
            values["answers"] = answered.answers
            values["probabilities"] = answered.probabilities
        else:
            values["error"] = answered.error
        self._tally(values)
        return (json.dumps(values, ensure_ascii=False) + "\n").encode()

    def _tally(self, values: dict[str, Any]) -> None:
        if "error" in values:
            self.counts[values["error"]] += 1
        elif values["answers"][0] == "":
            self.counts[""] += 1

    def _count(self, questions: Iterator[AskedQuestion]) -> int:
        """Counts the whole lines with a checksum; cuts off the rest."""
        number = size = 0
        checksums = self._checksums_path.read_bytes().splitlines(keepends=True)
        with open(self.path, "rb") as file:
            for line, checksum in zip(file, checksums, strict=False):
                if not line.endswith(b"\n") or not checksum.endswith(b"\n"):
                    break
                number += 1
                if checksum != _checksum(line):
                    self._refuse(
                        f"must hold what was written at line {number}",
                        repr(line[:100]),
                    )
                values = parse_json(line, self.path, number)
                asked = next(questions, None)
                if asked is None or not _is_line_of(values, asked):
                    self._refuse(
                        f"must hold the answers in the order of the questions "
                        f"at line {number}",
                        repr(line[:100]),
                    )
                self._tally(values)
                size += len(line)
        try:
            os.truncate(self.path, size)
            os.truncate(self._checksums_path, number * len(_checksum(b"")))
        except OSError as error:
            raise self._unwritable(error) from error
        return number

    def _beside(self, ending: str) -> pathlib.Path:
        return self.path.with_name(f"{self.path.name}.{ending}")

    def _refuse(self, rule: str, received: str) -> NoReturn:
        raise UserError(
            f"--output: {self.path} {rule}; give another --output, or "
            f"--noresume to start anew. Received: {received}"
        )

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(
            f"{self.path} must be in a writable folder with enough space. "
            f"Received: {error}"
        )


def _checksum(line: bytes) -> bytes:
    return hashlib.sha256(line).hexdigest()[:16].encode() + b"\n"


def _is_line_of(values: Any, asked: AskedQuestion) -> bool:
    return (
        isinstance(values, dict)
        and values.get("question_id") == asked.question_id
        and ("error" in values or bool(values.get("answers")))
    )
