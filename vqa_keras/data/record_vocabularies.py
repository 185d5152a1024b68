"""The vocabularies of a folder of records, compared with those of a model."""

import dataclasses
from collections.abc import Callable
from collections.abc import Sequence

from vqa_keras.data.dataset_info import FILE
from vqa_keras.data.dataset_info import VocabularyFile
from vqa_keras.data.record_files import RecordFiles
from vqa_keras.data.schema_2 import VERSION
from vqa_keras.errors import UserError
from vqa_keras.text.vocabulary import check_same_words
from vqa_keras.text.vocabulary import vocabulary_sha256


@dataclasses.dataclass(frozen=True)
class RecordVocabularies:
    """The vocabularies of records, which the datasets of `load` carry.

    The words themselves are read only where their hashes differ.

    Args:
        files: `RecordFiles`.
        with_answers: whether targets are read, whose columns are the answers.
            Defaults to True.
    """

    files: RecordFiles
    with_answers: bool = True

    def check(
        self,
        words: Sequence[str],
        strip_accents: bool,
        answers: Sequence[str] | None,
    ) -> None:
        """Refuses a model that reads the records' ids as other words.

        Args:
            words: the question vocabulary of the model.
            strip_accents: whether its words have lost their accents.
            answers: its answers, or None if they do not matter.

        Raises:
            UserError: if the words, their accents or the answers of the records
                are others.
        """
        info = self.files.info
        self._compare(
            info.question_vocabulary, words, self.files.question_words
        )
        # vqa_keras 0.1 always stripped them, and its models do not say so.
        if info.strip_accents != strip_accents and (
            info.schema_version != VERSION
        ):
            raise UserError(
                f"{self.files.path(FILE)}: strip_accents must be as in the "
                f"model, {strip_accents}. Received: {info.strip_accents}. "
                "write_records --vocabularies=RUN writes records with the "
                "vocabularies of a run"
            )
        if self.with_answers and answers is not None:
            self._compare(info.answer_vocabulary, answers, self.files.answers)

    def _compare(
        self,
        listed: VocabularyFile,
        needed: Sequence[str],
        read: Callable[[], list[str]],
    ) -> None:
        if vocabulary_sha256(needed) != listed.sha256:
            # A file may have other ends of lines.
            check_same_words(needed, read(), self.files.path(listed.file))
