"""A file of answers that a killed command continues."""

import collections
import hashlib
import json
import os
import time
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from vqa_keras.datasets.asked_questions import AskedQuestion
from vqa_keras.errors import UserError
from vqa_keras.files import flush_files
from vqa_keras.files import make_folder_of
from vqa_keras.files import parse_json
from vqa_keras.files import read_json
from vqa_keras.files import write_json
from vqa_keras.json_hash import json_sha256
from vqa_keras.runs.answer_many import AnsweredQuestion

_SECONDS = 1.0  # between two states; as much work is lost at most
_NOTHING = {"bytes": 0, "sha256": hashlib.sha256().hexdigest()}


class AnswersFile:
    """A .jsonl file with a line per question, in their order.

    A line is an object: `question_id`, `image`, `question`, `answers` and
    `probabilities`, or `error` in place of the last two. The file
    `<name>.settings.json` beside it holds what the lines depend on, size and
    hash of the lines written so far, and its own hash: only lines of equal
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
        name = f"{self.path.name}.settings.json"
        self._settings_path = self.path.with_name(name)

    def resume(self, questions: Iterator[AskedQuestion]) -> int:
        """Returns how many questions have a line; cuts off later bytes.

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
        if not self._settings_path.is_file():
            self._refuse(
                "must be a new file, or that of the same command",
                f"a file without {self._settings_path.name}",
            )
        found = read_json(self._settings_path)
        found = found if isinstance(found, dict) else {}
        if found.get("sha256") != json_sha256(found):
            self._refuse(
                f"must be beside the {self._settings_path.name} that was "
                "written with it",
                "a changed one",
            )
        for name, value in self.settings.items():
            if found.get(name) != value:
                self._refuse(
                    f"must be of the same {name}",
                    f"{found.get(name)} there, and {value} now",
                )
        self._check_lines(found["lines"])
        return self._count(questions)

    def start(self) -> None:
        """Empties the file, for lines of these settings."""
        # In this order: a kill leaves no lines beside settings of others.
        try:
            self.path.write_bytes(b"")
        except OSError as error:
            raise self._unwritable(error) from error
        self._write_state(_NOTHING)

    def write(self, batches: Iterable[list[AnsweredQuestion]]) -> Iterator[int]:
        """Appends the lines of batches; yields the number after each batch.

        Raises:
            UserError: if the file cannot be written.
        """
        try:
            with open(self.path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256")
            with open(self.path, "ab") as file:
                written = time.monotonic()
                for batch in batches:
                    lines = [self._line(answered) for answered in batch]
                    content = "".join(lines).encode()
                    digest.update(content)
                    file.write(content)
                    file.flush()
                    if time.monotonic() - written >= _SECONDS:
                        self._flush(file.tell(), digest.hexdigest())
                        written = time.monotonic()
                    yield len(batch)
                self._flush(file.tell(), digest.hexdigest())
        except OSError as error:
            raise self._unwritable(error) from error

    def _flush(self, size: int, sha256: str) -> None:
        # The lines first: a lost state costs a second, lost lines the file.
        flush_files([self.path, self.path.parent])
        self._write_state({"bytes": size, "sha256": sha256})

    def _write_state(self, lines: dict[str, Any]) -> None:
        values = {**self.settings, "lines": lines}
        values["sha256"] = json_sha256(values)
        write_json(self._settings_path, values)

    def _check_lines(self, lines: dict[str, Any]) -> None:
        """Refuses lines that were changed; cuts off those written since."""
        with open(self.path, "rb") as file:
            content = hashlib.sha256()
            left = lines["bytes"]
            while left and (part := file.read(min(left, 1 << 20))):
                content.update(part)
                left -= len(part)
        if left or content.hexdigest() != lines["sha256"]:
            self._refuse(
                f"must begin with the {lines['bytes']:,} bytes that were "
                "written",
                f"{self.path.stat().st_size:,} bytes, changed since",
            )
        try:
            os.truncate(self.path, lines["bytes"])
        except OSError as error:
            raise self._unwritable(error) from error

    def _line(self, answered: AnsweredQuestion) -> str:
        values = answered.asked._asdict()
        if answered.error is None:
            values["answers"] = answered.answers
            values["probabilities"] = answered.probabilities
        else:
            values["error"] = answered.error
        self._tally(values)
        return json.dumps(values, ensure_ascii=False) + "\n"

    def _tally(self, values: dict[str, Any]) -> None:
        if "error" in values:
            self.counts[values["error"]] += 1
        elif values["answers"][0] == "":
            self.counts[""] += 1

    def _count(self, questions: Iterator[AskedQuestion]) -> int:
        number = 0
        with open(self.path, "rb") as file:
            for number, line in enumerate(file, start=1):
                values = parse_json(line, self.path, number)
                asked = next(questions, None)
                if asked is None or not _is_line_of(values, asked):
                    self._refuse(
                        f"must hold the answers in the order of the questions "
                        f"at line {number}",
                        line.decode()[:200].strip(),
                    )
                self._tally(values)
        return number

    def _refuse(self, rule: str, received: str) -> None:
        raise UserError(
            f"--output: {self.path} {rule}; give another --output, or "
            f"--noresume to start anew. Received: {received}"
        )

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(
            f"{self.path} must be in a writable folder with enough space. "
            f"Received: {error}"
        )


def _is_line_of(values: Any, asked: AskedQuestion) -> bool:
    return (
        isinstance(values, dict)
        and values.get("question_id") == asked.question_id
        and ("error" in values or bool(values.get("answers")))
    )
