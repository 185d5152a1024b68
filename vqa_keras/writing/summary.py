"""Summarizes a folder of records, with warnings, for `write_records`."""

from collections.abc import Iterator

from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.records_folder import Records
from vqa_keras.writing.text_options import DATA
from vqa_keras.writing.work_folder import AnswerTexts
from vqa_keras.writing.work_folder import Coverage

MAX_CUT = 0.01  # fraction of the questions that may lose words silently


def summary(
    records: Records,
    seconds: float | None = None,
    answers: AnswerTexts | None = None,
    coverage: Coverage | None = None,
) -> str:
    """Returns a summary of a folder of records, several lines of text.

    Args:
        records: `Records`.
        seconds: float, time that they took. Defaults to None.
        answers: `AnswerTexts` of the training split. Defaults to None.
        coverage: `Coverage` of a model's vocabularies. Defaults to None.
    """
    info = records.info
    lines = [f"records        {records.folder}"]
    for name, split in info.splits.items():
        lines.append(
            f"{name:14} {split.images} images, {split.questions} "
            f"questions, {len(split.shards)} shards"
        )
    lines.append(
        f"vocabularies   {len(records.vocabulary)} words, "
        f"{len(records.answers)} answers; questions of at most "
        f"{info.sequence_length} words, {info.cut_questions} cut"
    )
    if answers is not None:
        lines.append(
            f"answers        {answers.texts} texts of training answers in "
            f"{answers.classes} classes (rule {info.answer_rule}), "
            f"{answers.empty} empty answers"
        )
    source = info.arguments.get("vocabularies")
    if source is not None:
        lines.append(f"model          {_kept(info)} of {source}")
        counted = info.arguments.get("sequence_length") is None
        if counted and "train" not in info.splits:
            lines.append(
                "length         from all questions: there is no training split"
            )
    if coverage is not None:
        lines.append(
            f"known          {_fraction(coverage.known_words, coverage.words)} "
            "of the words, the answers of "
            f"{_fraction(coverage.known_answers, coverage.answered)} of the "
            "questions with an answer"
        )
    if info.features is not None:
        levels = ", ".join(
            f"{name} {' x '.join(map(str, shape))}"
            for name, shape in info.features.levels.items()
        )
        lines.append(
            f"features       {info.features.name}: {levels}, "
            f"{info.features.dtype}"
        )
    dropped = ", ".join(f"{n} {why}" for why, n in info.dropped.items())
    named = f", named in {info.dropped_file}" if dropped else ""
    lines.append(f"dropped        {dropped or 'none'}{named}")
    if seconds is not None:
        lines.append(f"time           {seconds:.1f} s")
    return "\n".join(lines)


def warnings(
    records: Records, coverage: Coverage | None = None
) -> Iterator[str]:
    """Yields what a user should know of records before training on them.

    The arguments are those of `summary`.
    """
    info = records.info
    questions = sum(split.questions for split in info.splits.values())
    if info.cut_questions > MAX_CUT * questions:
        yield (
            f"warning: {info.cut_questions} of {questions} questions have more "
            f"than {info.sequence_length} words; only their last ones are "
            "read. --sequence_length keeps more"
        )
    source = info.arguments.get("vocabularies")
    if coverage is not None and coverage.words and not coverage.known_words:
        yield (
            "warning: not one word of the questions is in the vocabulary of "
            f"{source}, so all questions are read alike; without "
            "--vocabularies the words are those of the training split"
        )
    if (
        coverage is not None
        and coverage.answered
        and not coverage.known_answers
    ):
        yield (
            "warning: not one question has an answer that is a class, so "
            "there is none to train on and the accuracy is 0; "
            "--answers_of=data takes the answers of the training split"
        )


def _kept(info: DatasetInfo) -> str:
    of_data = info.arguments.get("answers_of") == DATA
    return "words" if of_data else "words and answers"


def _fraction(part: int, total: int) -> str:
    return (
        f"{part} of {total} ({100 * part / total:.2f} %)" if total else "none"
    )
