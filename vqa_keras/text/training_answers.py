"""The most frequent answers of training questions, which baselines give."""

import collections
import json
import os
from collections.abc import Iterable
from collections.abc import Mapping
from typing import NamedTuple

from vqa_keras.errors import UserError
from vqa_keras.text.normalize import normalize


class TrainingAnswers(NamedTuple):
    """The most frequent answer of all questions, and of each question.

    Ties go to the answer that occurs first. Empty answers do not count.

    Args:
        majority: str, the most frequent answer; "" if there is none.
        of_question: `{normalized question: most frequent answer}`.
    """

    majority: str
    of_question: Mapping[str, str]

    def same_question(self, question: str) -> str:
        """Returns the most frequent answer of the same normalized question.

        For another question it is the majority answer.
        """
        return self.of_question.get(normalize(question), self.majority)


def count_answers(pairs: Iterable[tuple[str, str]]) -> TrainingAnswers:
    """Returns the `TrainingAnswers` of (question, answer) pairs.

    Memory holds each distinct pair once.
    """
    overall: collections.Counter[str] = collections.Counter()
    of_question: dict[str, collections.Counter[str]] = {}
    distinct = collections.Counter(map(tuple, pairs))
    for (question, answer), count in distinct.items():
        if answer:
            overall[answer] += count
            text = normalize(question)
            of_question.setdefault(text, collections.Counter())[answer] += count
    return TrainingAnswers(
        _most_frequent(overall),
        {text: _most_frequent(n) for text, n in of_question.items()},
    )


def line_of(question: str | None, answer: str, count: int) -> str:
    """Returns a line of the file that `read_training_answers` reads.

    Args:
        question: the normalized question; None for the majority answer.
        answer: the most frequent answer.
        count: number of training questions with it.
    """
    values = {"question": question, "answer": answer, "count": count}
    return json.dumps(values, ensure_ascii=False) + "\n"


def read_training_answers(path: str | os.PathLike[str]) -> TrainingAnswers:
    """Reads a file of lines of `line_of`.

    Raises:
        UserError: if a line is not of that form.
    """
    majority, of_question = "", {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                values = json.loads(line)
                question, answer = values["question"], values["answer"]
            except (ValueError, KeyError, TypeError) as error:
                raise UserError(
                    f"{path}, line {number} must be JSON of question and "
                    f"answer. Received: {line[:80]!r}"
                ) from error
            if question is None:
                majority = answer
            else:
                of_question[question] = answer
    return TrainingAnswers(majority, of_question)


def _most_frequent(counts: collections.Counter[str]) -> str:
    return counts.most_common(1)[0][0] if counts else ""
