"""The text side of records: vocabularies, token ids, answers and scores."""

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
        min_word_count: rarer words are unknown words.
        min_answer_count: rarer answers are no classes.
        top_answers: at most so many answers are classes; None: all.
        sequence_length: the words that are kept of a question. None takes the
            longest training question, but at most 14 words.
    """

    min_word_count: int = 1
    min_answer_count: int = 1
    top_answers: int | None = None
    sequence_length: int | None = None


class Vocabularies(NamedTuple):
    """What the text of records is made with, the arguments of `RecordText`."""

    question_words: list[str]
    answers: list[str]
    sequence_length: int


def count_text(
    images: Iterable[ImageQuestions],
) -> dict[tuple[str, Any], int]:
    """Counts words, answers and lengths of the questions of some images.

    Args:
        images: iterable of `ImageQuestions`.

    Returns:
        `{(kind, value): count}`; kind is "word", "answer" or "length".
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
    """Writes both vocabularies and fixes the length of questions.

    Args:
        counts: what `count_text` returned, summed over the training split.
        output: folder of the records.
        limits: `TextLimits`.

    Returns:
        `Vocabularies`.

    Raises:
        UserError: if no answer is left, or the files cannot be written.
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
            "The training split must have an answer that occurs "
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
    """Turns questions and answers into what a record holds of them.

    Args:
        question_words: list, the question vocabulary.
        answers: list, the answer vocabulary.
        sequence_length: int, the words that are kept of a question.
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
        """Returns the questions of an image as its record holds them.

        Args:
            questions: iterable of `Question`.

        Returns:
            The list, and how many questions had more than `sequence_length`
            words and were cut.
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
