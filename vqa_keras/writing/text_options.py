"""Options of the text of records, and the vocabularies of a trained model."""

from collections.abc import Iterable
from typing import Any
from typing import NamedTuple

from vqa_keras.errors import UserError
from vqa_keras.text.answers import ANSWER_RULES
from vqa_keras.text.vocabulary import vocabulary_sha256

TEXT = "text"  # the answer rule of a reader without one
RUN, DATA = ANSWERS_OF = ("run", "data")


class TextOptions(NamedTuple):
    """How text becomes words and classes, and which of them are kept.

    Args:
        min_word_count: int, words that occur less often become [UNK]. Defaults
            to 1.
        min_answer_count: int, answers that occur less often are not classes.
            Defaults to 1.
        top_answers: int, largest number of classes, the most frequent answers.
            Defaults to None: all.
        sequence_length: int, words kept per question, from its end. Defaults to
            None: the 99th percentile of the training questions.
        strip_accents: bool, whether words lose their accents. Defaults to
            None: as those of the model, False without a model.
        answer_rule: str, a name of `text.ANSWER_RULES`, from the text of an
            answer to its class. Defaults to None: that of the reader, "text"
            if it has none.
    """

    min_word_count: int = 1
    min_answer_count: int = 1
    top_answers: int | None = None
    sequence_length: int | None = None
    strip_accents: bool | None = None
    answer_rule: str | None = None


class ModelVocabularies(NamedTuple):
    """The vocabularies of a trained model, for records that it can read.

    Args:
        source: str, the flag --vocabularies: a run or preset.
        words: list of str, the question vocabulary.
        strip_accents: bool, whether the words have lost their accents.
        answers: list of str, the answers by class.
        answers_of: "run" (default) takes the answers of the model, "data" those
            of the training split.
    """

    source: str
    words: list[str]
    strip_accents: bool
    answers: list[str]
    answers_of: str = RUN

    def check_splits(self, splits: Iterable[str]) -> None:
        """Raises UserError where answers of the data have no training split."""
        if self.answers_of == DATA and "train" not in splits:
            raise UserError(
                "--answers_of=data must be given with a training split, whose "
                f"answers are taken. Received: {', '.join(splits)}"
            )

    def arguments(self) -> dict[str, Any]:
        """Returns what `dataset_info.json` has of them in its arguments."""
        values = {
            "vocabularies": self.source,
            "answers_of": self.answers_of,
            "words_sha256": vocabulary_sha256(self.words),
        }
        if self.answers_of == RUN:
            values["answers_sha256"] = vocabulary_sha256(self.answers)
        return values


def complete(
    options: TextOptions, rule: str, model: ModelVocabularies | None
) -> TextOptions:
    """Returns options whose defaults are replaced by what they mean.

    Args:
        options: `TextOptions`.
        rule: str, the answer rule of the reader.
        model: `ModelVocabularies`, or None to count those of the data.

    Returns:
        `TextOptions`.

    Raises:
        UserError: if an option contradicts the model, or the rule merges two of
            its answers.
    """
    options = options._replace(answer_rule=options.answer_rule or rule)
    if model is None:
        return options._replace(strip_accents=bool(options.strip_accents))
    if options.strip_accents not in (None, model.strip_accents):
        raise UserError(
            f"--strip_accents must be that of {model.source}, "
            f"{model.strip_accents}. Received: {options.strip_accents}"
        )
    counted = ["min_word_count"]
    if model.answers_of == RUN:
        counted += ["min_answer_count", "top_answers"]
        _check_classes(model, options.answer_rule or rule)
    for name in counted:
        if getattr(options, name) != TextOptions._field_defaults[name]:
            what = "words" if name == "min_word_count" else "answers"
            raise UserError(
                f"--{name} must be given where the {what} of the data are "
                f"counted. Received: --{name}={getattr(options, name)} with "
                f"the {what} of --vocabularies={model.source}"
            )
    return options._replace(strip_accents=model.strip_accents)


def _check_classes(model: ModelVocabularies, rule: str) -> None:
    """Refuses a rule that merges or deletes answers of a model."""
    problem = _problem(model, rule)
    if problem is not None:
        advice = "pass --answers_of=data"
        for other in ANSWER_RULES:
            if _problem(model, other) is None:
                advice = f"pass --answer_rule={other} or --answers_of=data"
        raise UserError(
            f"Each answer of {model.source} must be a class of its own by the "
            f"answer rule {rule}. Received: {problem}; {advice}"
        )


def _problem(model: ModelVocabularies, rule: str) -> str | None:
    first: dict[str, str] = {}
    for answer in model.answers:
        name = ANSWER_RULES[rule](answer)
        if not name:
            return f"{answer!r}, which is an empty answer by it"
        if name in first:
            return f"{first[name]!r} and {answer!r}, which are both {name!r}"
        first[name] = answer
    return None
