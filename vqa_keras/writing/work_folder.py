"""Reads and writes the files that exist while records are written."""

import dataclasses
import itertools
import json
import os
import pathlib
import shutil
from typing import Any

from vqa_keras.data.splits import Shard
from vqa_keras.datasets.question import Dropped
from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.files import write_atomically

NAME = "unfinished"


@dataclasses.dataclass(frozen=True)
class ShardReport:
    """Losses between the plan and the records of a shard.

    Args:
        dropped: list of `Dropped`, the images left out.
        cut_questions: int, number of questions that were cut.
        answers: list of (normalized question, answer, number of questions), of
            a training shard, in the order of their first question. Defaults to
            an empty list.
    """

    dropped: list[Dropped]
    cut_questions: int
    answers: list[tuple[str, str, int]] = dataclasses.field(
        default_factory=list
    )


@dataclasses.dataclass(frozen=True)
class AnswerTexts:
    """Numbers of answers of the training split.

    Args:
        classes: int, number of different answers after the answer rule.
        texts: int, number of different texts before.
        empty: int, number of answers without a text.
    """

    classes: int
    texts: int
    empty: int


@dataclasses.dataclass(frozen=True)
class Coverage:
    """How much of the questions of all splits a model's vocabularies hold.

    Args:
        words: int, number of words of all questions.
        known_words: int, number of them in the vocabulary.
        answered: int, number of questions with an answer.
        known_answers: int, number of them whose answer is a class.
    """

    words: int
    known_words: int
    answered: int
    known_answers: int


class WorkFolder:
    """`DIR/unfinished`: the files that driver and workers exchange.

    Workers may be other processes, so they exchange small files, one of each
    kind per shard: the plan (its images), the report (dropped images), the
    entry (for `dataset_info.json`) and the progress (number of images done).

    Args:
        output: str or path, folder of the records.
    """

    def __init__(self, output: str | os.PathLike[str]):
        self.path = pathlib.Path(output, NAME)

    def write_plans(
        self, table: QuestionTable, sizes: dict[str, list[int]]
    ) -> dict[str, list[str]]:
        """Writes the plans of all shards.

        A shard holds consecutive images. Memory holds the images of one shard.

        Args:
            table: `QuestionTable`.
            sizes: `{split: [number of images of the shard, ...]}`.

        Returns:
            `{split: [shard name, ...]}`.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        names = {}
        for split, of_split in sizes.items():
            count = len(of_split)
            names[split] = [
                f"{split}-{index:05d}-of-{count:05d}.tfrecord"
                for index in range(count)
            ]
            images = table.images(split)
            for name, size in zip(names[split], of_split, strict=True):
                self._write(name, "plan", list(itertools.islice(images, size)))
        return names

    def plan(self, shard: str) -> list[ImageQuestions]:
        """Returns the `ImageQuestions` of a shard."""
        return [ImageQuestions.from_json(v) for v in self._read(shard, "plan")]

    def write_report(self, shard: str, report: ShardReport) -> None:
        """Writes the report of a shard."""
        self._write(shard, "report", report)

    def report(self, shard: str) -> ShardReport:
        """Returns the report of a shard."""
        values = self._read(shard, "report")
        dropped = [Dropped(**item) for item in values["dropped"]]
        return ShardReport(dropped, values["cut_questions"], values["answers"])

    def write_shard(self, shard: Shard) -> None:
        """Writes the `Shard` of a finished shard."""
        self._write(shard.name, "shard", shard)

    def shard(self, name: str) -> Shard:
        """Returns what `write_shard` wrote."""
        return Shard(**self._read(name, "shard"))

    def write_sequence_length(self, sequence_length: int) -> None:
        """Writes the number of words kept per question."""
        self._write("text", "sequence_length", sequence_length)

    def sequence_length(self) -> int:
        """Returns the number of words kept per question."""
        return self._read("text", "sequence_length")

    def write_answer_texts(self, texts: AnswerTexts) -> None:
        """Writes the numbers of answers of the training split."""
        self._write("text", "answers", texts)

    def answer_texts(self) -> AnswerTexts:
        """Returns the numbers of answers of the training split."""
        return AnswerTexts(**self._read("text", "answers"))

    def write_coverage(self, coverage: Coverage) -> None:
        """Writes how much of the questions a model's vocabularies hold."""
        self._write("text", "coverage", coverage)

    def coverage(self) -> Coverage:
        """Returns what `write_coverage` wrote."""
        return Coverage(**self._read("text", "coverage"))

    def set_done(self, shard: str, images: int, before: bool = False) -> None:
        """Writes the number of images done of a shard; not flushed to disk.

        Args:
            shard: str, name of the shard.
            images: int.
            before: bool, whether an earlier run did them. Defaults to False.
        """
        path = self.path / f"{shard}.progress"
        text = f"{images} {images if before else 0}"
        path.write_text(text, encoding="utf-8")

    def clear_done(self) -> None:
        """Removes the progress of earlier runs."""
        for path in self.path.glob("*.progress"):
            path.unlink(missing_ok=True)

    def done(self) -> int:
        """Returns the number of images done of all shards, now or before."""
        return self._sum_of_progress(0)

    def done_before(self) -> int:
        """Returns the number of images in shards that an earlier run did."""
        return self._sum_of_progress(1)

    def remove(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _sum_of_progress(self, column: int) -> int:
        total = 0
        for path in self.path.glob("*.progress"):
            try:
                total += int(path.read_text(encoding="utf-8").split()[column])
            except (OSError, ValueError, IndexError):
                pass  # The file is being written.
        return total

    def _write(self, shard: str, kind: str, value: Any) -> None:
        text = json.dumps(value, ensure_ascii=False, default=vars)
        write_atomically(self.path / f"{shard}.{kind}.json", text)

    def _read(self, shard: str, kind: str) -> Any:
        path = self.path / f"{shard}.{kind}.json"
        return json.loads(path.read_text(encoding="utf-8"))
