"""The training answers of a folder of records, for baselines."""

from vqa_keras.data.record_files import check_listed
from vqa_keras.data.records_folder import Records
from vqa_keras.text.training_answers import TrainingAnswers
from vqa_keras.text.training_answers import count_answers
from vqa_keras.text.training_answers import read_training_answers


def training_answers(records: Records) -> TrainingAnswers | None:
    """Returns the most frequent answers of the training split.

    They are in a file of the folder; older records lack it, and their training
    split is read.

    Returns:
        `TrainingAnswers`, or None if no training question is in the records.

    Raises:
        UserError: if the file is missing or changed.
    """
    listed = records.info.training_answers
    if listed is not None:
        path = records.files.path(listed.file)
        check_listed(path, listed.sha256, "the training answers")
        return read_training_answers(path)
    train = records.info.splits.get("train")
    if train is None or not train.questions:
        return None
    return count_answers(
        (question.question, question.answer)
        for question in records.questions("train")
    )
