"""Encodes the text of records: vocabularies, token ids, answers, scores."""

import collections
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from vqa_keras.data.image_record import QuestionRecord
from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.datasets.question import Question
from vqa_keras.errors import UserError
from vqa_keras.text import QuestionTokenizer
from vqa_keras.text.answers import most_common_answer
from vqa_keras.text.answers import soft_scores
from vqa_keras.text.normalize import split
from vqa_keras.text.vocabulary import build_vocabulary
from vqa_keras.text.vocabulary import question_vocabulary
from vqa_keras.text.vocabulary import write_vocabulary
from vqa_keras.writing.work_folder import WorkFolder

QUESTION_VOCABULARY = "question_vocabulary.txt"
ANSWER_VOCABULARY = "answer_vocabulary.txt"
LONGEST = 14  # words; 99 of 100 questions of the VQA data sets are shorter


class TextLimits(NamedTuple):
    """Limits of the vocabularies and of questions.

    Args:
        min_word_count: int, words that occur less often become [UNK]. Defaults
            to 1.
        min_answer_count: int, answers that occur less often are not classes.
            Defaults to 1.
        top_answers: int, largest number of classes, the most frequent answers.
            Defaults to None: all.
        sequence_length: int, words kept per question. Defaults to None: those
            of the longest training question, at most 14.
    """

    min_word_count: int = 1
    min_answer_count: int = 1
    top_answers: int | None = None
    sequence_length: int | None = None


class Vocabularies(NamedTuple):
    """Vocabularies and length of questions; the arguments of `RecordText`."""

    question_words: list[str]
    answers: list[str]
    sequence_length: int


def count_text(
    images: Iterable[ImageQuestions],
) -> dict[tuple[str, Any], int]:
    """Counts the words, answers and lengths of the questions of images.

    Args:
        images: iterable of `ImageQuestions`.

    Returns:
        `{(kind, value): count}`, where kind is "word", "answer" or "length".
    """
    counts = collections.Counter()
    for image in images:
        for question in image.questions:
            words = split(question.question)
            counts.update(("word", word) for word in words)
            counts["length", len(words)] += 1
            answer = most_common_answer(question.answers)
            if answer:
                counts["answer", answer] += 1
    return counts


def write_text(
    counts: Mapping[tuple[str, Any], int],
    output: str | os.PathLike[str],
    limits: TextLimits,
) -> Vocabularies:
    """Writes both vocabularies and the length of questions.

    Args:
        counts: dict from `count_text`, summed over the training split.
        output: str or path, folder of the records.
        limits: `TextLimits`.

    Returns:
        `Vocabularies`.

    Raises:
        UserError: if no answer is frequent enough, or the files cannot be
            written.
    """
    kinds: dict[str, dict[Any, int]] = collections.defaultdict(dict)
    for (kind, value), count in counts.items():
        kinds[kind][value] = count
    words = question_vocabulary(kinds["word"], limits.min_word_count)
    answers = build_vocabulary(
        kinds["answer"], limits.min_answer_count, limits.top_answers
    )
    if not answers:
        raise UserError(
            "The training split must have an answer that occurs at least "
            f"{limits.min_answer_count} times. Received: "
            f"{len(kinds['answer'])} answers, none that often"
        )
    work = WorkFolder(output)
    for name, lines in (
        (QUESTION_VOCABULARY, words),
        (ANSWER_VOCABULARY, answers),
    ):
        write_vocabulary(work.path / name, lines)
        os.replace(work.path / name, pathlib.Path(output, name))
    sequence_length = limits.sequence_length
    if sequence_length is None:
        longest = max(kinds["length"], default=1)
        sequence_length = max(1, min(longest, LONGEST))
    work.write_sequence_length(sequence_length)
    return Vocabularies(words, answers, sequence_length)


class RecordText:
    """Encodes questions and answers for a record.

    Args:
        question_words: list of str, the question vocabulary.
        answers: list of str, the answer vocabulary.
        sequence_length: int, words kept per question.
    """

    def __init__(
        self,
        question_words: list[str],
        answers: list[str],
        sequence_length: int,
    ):
        self.tokenizer = QuestionTokenizer(
            question_words, sequence_length=sequence_length
        )
        self.answer_ids = {answer: i for i, answer in enumerate(answers)}

    def encode(
        self, questions: Iterable[Question]
    ) -> tuple[list[QuestionRecord], int]:
        """Encodes the questions of an image for `records.encode`.

        Args:
            questions: iterable of `Question`.

        Returns:
            List of dicts, and the number of questions that had more than
            `sequence_length` words and were cut.
        """
        encoded = []
        cut = 0
        for question in questions:
            text = question.question
            cut += self.tokenizer.is_cut(text)
            answer = most_common_answer(question.answers)
            scores = soft_scores(question.answers)
            encoded.append(
                QuestionRecord(
                    question_id=question.question_id,
                    question=text,
                    question_type=question.question_type,
                    answer_type=question.answer_type,
                    answer=answer,
                    answer_id=self.answer_ids.get(answer, -1),
                    all_answers=question.answers,
                    object_boxes=question.object_boxes,
                    complementary_id=question.complementary_id,
                    token_ids=self.tokenizer.padded_ids(text),
                    scores={
                        self.answer_ids[answer]: score
                        for answer, score in scores.items()
                        if answer in self.answer_ids
                    },
                )
            )
        return encoded, cut
