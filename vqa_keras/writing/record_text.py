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
from vqa_keras.text.answers import ANSWER_RULES
from vqa_keras.text.answers import most_common_answer
from vqa_keras.text.answers import soft_scores
from vqa_keras.text.answers import strip_answer
from vqa_keras.text.normalize import split
from vqa_keras.text.vocabulary import build_vocabulary
from vqa_keras.text.vocabulary import question_vocabulary
from vqa_keras.text.vocabulary import write_vocabulary
from vqa_keras.writing.text_options import RUN
from vqa_keras.writing.text_options import TEXT
from vqa_keras.writing.text_options import ModelVocabularies
from vqa_keras.writing.text_options import TextOptions
from vqa_keras.writing.work_folder import AnswerTexts
from vqa_keras.writing.work_folder import Coverage
from vqa_keras.writing.work_folder import WorkFolder

QUESTION_VOCABULARY = "question_vocabulary.txt"
ANSWER_VOCABULARY = "answer_vocabulary.txt"
KEPT = 0.99  # fraction of the training questions that are read whole
# Prefix of the kinds of counts that are not of the training split.
OTHER = "other_"


class Vocabularies(NamedTuple):
    """What the records of all splits depend on; the arguments of `RecordText`.

    Attributes:
        question_words: list of str, the question vocabulary.
        answers: list of str, the most frequent text of each class.
        sequence_length: int, words kept per question.
        strip_accents, answer_rule: see `TextOptions`.
    """

    question_words: list[str]
    answers: list[str]
    sequence_length: int
    strip_accents: bool = False
    answer_rule: str = "text"


def count_text(
    images: Iterable[ImageQuestions], options: TextOptions
) -> dict[tuple[str, Any], int]:
    """Counts the words, answers and lengths of the questions of images.

    Args:
        images: iterable of `ImageQuestions`.
        options: `TextOptions`.

    Returns:
        `{(kind, value): count}`, where kind is "word", "length", "answer" (the
        class of a question's most frequent answer) or "text" (class and text
        of every annotator's answer, the class "" for empty ones).
    """
    counts = collections.Counter()
    rule = options.answer_rule or TEXT
    for image in images:
        for question in image.questions:
            words = split(question.question, bool(options.strip_accents))
            counts.update(("word", word) for word in words)
            counts["length", len(words)] += 1
            for text in question.answers:
                key = ANSWER_RULES[rule](text), strip_answer(text)
                counts["text", key] += 1
            answer = most_common_answer(question.answers, rule)
            if answer:
                counts["answer", answer] += 1
    return counts


def write_text(
    counts: Mapping[tuple[str, Any], int],
    output: str | os.PathLike[str],
    options: TextOptions,
    model: ModelVocabularies | None = None,
) -> Vocabularies:
    """Writes both vocabularies and the length of questions.

    Args:
        counts: dict from `count_text`, summed over the training split. With a
            model also those of the other splits, with `OTHER` before the kind.
        output: str or path, folder of the records.
        options: `TextOptions`.
        model: `ModelVocabularies`, whose words, and answers unless they are of
            the data, are taken. Defaults to None: those of the training split.

    Returns:
        `Vocabularies`.

    Raises:
        UserError: if no answer is frequent enough, or the files cannot be
            written.
    """
    kinds: dict[str, dict[Any, int]] = collections.defaultdict(dict)
    for (kind, value), count in counts.items():
        kinds[kind][value] = count
    if model is None:
        words = question_vocabulary(kinds["word"], options.min_word_count)
    else:
        words = model.words
    if model is None or model.answers_of != RUN:
        answers = _counted_answers(kinds, options)
    else:
        answers = model.answers
    work = WorkFolder(output)
    for name, lines in (
        (QUESTION_VOCABULARY, words),
        (ANSWER_VOCABULARY, answers),
    ):
        write_vocabulary(work.path / name, lines)
        os.replace(work.path / name, pathlib.Path(output, name))
    sequence_length = options.sequence_length or _percentile(
        kinds["length"] or kinds[f"{OTHER}length"]
    )
    rule = options.answer_rule or TEXT
    work.write_sequence_length(sequence_length)
    work.write_answer_texts(_answer_texts(kinds["text"]))
    if model is not None:
        work.write_coverage(_coverage(kinds, words, answers, rule))
    return Vocabularies(
        words, answers, sequence_length, bool(options.strip_accents), rule
    )


def _counted_answers(
    kinds: Mapping[str, Mapping[Any, int]], options: TextOptions
) -> list[str]:
    """Returns the most frequent text of each class that is frequent enough."""
    classes = build_vocabulary(
        kinds["answer"], options.min_answer_count, options.top_answers
    )
    if not classes:
        raise UserError(
            "The training split must have an answer that occurs at least "
            f"{options.min_answer_count} times. Received: "
            f"{len(kinds['answer'])} answers, none that often"
        )
    texts = _most_frequent_texts(kinds["text"])
    return [texts[answer] for answer in classes]


def _coverage(
    kinds: Mapping[str, Mapping[Any, int]],
    words: Iterable[str],
    answers: Iterable[str],
    rule: str,
) -> Coverage:
    """Counts how much of all splits is in the vocabularies."""
    known_words, classes = set(words), set(map(ANSWER_RULES[rule], answers))

    def count(kind: str, known: set[str]) -> tuple[int, int]:
        pairs = [*kinds[kind].items(), *kinds[f"{OTHER}{kind}"].items()]
        return (
            sum(n for _, n in pairs),
            sum(n for value, n in pairs if value in known),
        )

    return Coverage(*count("word", known_words), *count("answer", classes))


def _most_frequent_texts(
    texts: Mapping[tuple[str, str], int],
) -> dict[str, str]:
    """Returns the most frequent text of each class; ties go to the smallest."""
    best: dict[str, tuple[int, str]] = {}
    for (answer, text), count in texts.items():
        key = -count, text
        best[answer] = min(best.get(answer, key), key)
    return {answer: text for answer, (_, text) in best.items()}


def _answer_texts(texts: Mapping[tuple[str, str], int]) -> AnswerTexts:
    """Returns how many texts the answers have, and how many are empty."""
    named = [answer for answer, _ in texts if answer]
    return AnswerTexts(
        classes=len(set(named)),
        texts=len(named),
        empty=sum(n for (answer, _), n in texts.items() if not answer),
    )


def _percentile(lengths: Mapping[int, int]) -> int:
    """Returns the number of words that 99 of 100 questions do not exceed."""
    total, questions = 0, sum(lengths.values())
    for length, count in sorted(lengths.items()):
        total += count
        if total >= KEPT * questions:
            return max(1, length)
    return 1


class RecordText:
    """Encodes questions and answers for a record.

    Args:
        question_words: list of str, the question vocabulary.
        answers: list of str, the answer vocabulary.
        sequence_length: int, words kept per question.
        strip_accents, answer_rule: see `TextOptions`.
    """

    def __init__(
        self,
        question_words: list[str],
        answers: list[str],
        sequence_length: int,
        strip_accents: bool = False,
        answer_rule: str = "text",
    ):
        self.tokenizer = QuestionTokenizer(
            question_words, sequence_length, strip_accents
        )
        self.answers = answers
        self.answer_rule = answer_rule
        class_of = ANSWER_RULES[answer_rule]
        self.answer_ids = {class_of(a): i for i, a in enumerate(answers)}

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
            answer = most_common_answer(question.answers, self.answer_rule)
            scores = soft_scores(question.answers, self.answer_rule)
            encoded.append(
                QuestionRecord(
                    question_id=question.question_id,
                    question=text,
                    question_type=question.question_type,
                    answer_type=question.answer_type,
                    answer=self._text(answer, question.answers),
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

    def _text(self, answer: str, answers: list[str]) -> str:
        """Returns the text of a class: that of the vocabulary, or of a person.

        Evaluation compares it with the text that a model gives out.
        """
        if answer in self.answer_ids:
            return self.answers[self.answer_ids[answer]]
        class_of = ANSWER_RULES[self.answer_rule]
        texts = (strip_answer(t) for t in answers if class_of(t) == answer)
        return next(texts, "") if answer else ""
