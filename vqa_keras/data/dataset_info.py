"""The contents of a folder of records: `dataset_info.json`, written last."""

import dataclasses
import json
import math
import os
import pathlib
import shlex
from collections.abc import Mapping
from typing import Any

from vqa_keras.data import schema_2
from vqa_keras.data.features import Features
from vqa_keras.data.json_fields import JSONFields
from vqa_keras.data.json_fields import item_path
from vqa_keras.data.json_fields import json_count
from vqa_keras.data.json_fields import json_object
from vqa_keras.data.json_fields import json_text
from vqa_keras.data.json_fields import refuse
from vqa_keras.data.links import path_in
from vqa_keras.data.splits import Split
from vqa_keras.data.splits import splits_from_json
from vqa_keras.errors import UserError
from vqa_keras.files import file_sha256
from vqa_keras.files import read_json
from vqa_keras.files import write_atomically
from vqa_keras.json_hash import json_sha256
from vqa_keras.text import ANSWER_RULES

FILE = "dataset_info.json"
SCHEMA_VERSION = 3


@dataclasses.dataclass(frozen=True)
class VocabularyFile:
    """A file of words or answers, one per line.

    Args:
        file: name in the folder of the records.
        sha256: hex sha256 of its content.
    """

    file: str
    sha256: str

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> "VocabularyFile":
        """Returns the `VocabularyFile` of a file on disk."""
        return cls(pathlib.Path(path).name, file_sha256(path))

    @classmethod
    def from_json(cls, value: object, where: str) -> "VocabularyFile":
        """Returns the `VocabularyFile` of a parsed JSON object."""
        fields = JSONFields(value, ("file", "sha256"), where)
        return cls(fields.file("file"), fields.sha256("sha256"))


@dataclasses.dataclass(frozen=True)
class DatasetInfo:
    """The contents of a folder of records, as `dataset_info.json` lists them.

    Readers find shards through it and never by their names on disk; it is
    written last, so a folder that has it is complete.

    Args:
        dataset: name of the data set, such as "easy_vqa".
        splits: `{split: Split}`.
        question_vocabulary: the words of questions by token id.
        answer_vocabulary: the answers by class.
        sequence_length: number of words that are kept of a question.
        strip_accents: whether words have lost their accents.
        answer_rule: name in `text.ANSWER_RULES` of the rule from the text of an
            answer to its class.
        features: `Features`, or None without features.
        stored_images: whether the records hold the image files.
        dropped: `{reason: count}` of the items left out of the records.
        dropped_file: name of the file that lists them, or None.
        dropped_sha256: hex sha256 of its content; None in older files.
        cut_questions: number of questions longer than `sequence_length`.
        training_answers: the most frequent answers of the training questions
            (`text.training_answers`), or None: without a training split, and
            in older files, which lack the field.
        arguments: arguments of the writer, by the names of its flags.
        schema_version: version of the file that was read; `write` writes 3.
    """

    dataset: str
    splits: Mapping[str, Split]
    question_vocabulary: VocabularyFile
    answer_vocabulary: VocabularyFile
    sequence_length: int
    strip_accents: bool = False
    answer_rule: str = "text"
    features: Features | None = None
    stored_images: bool = True
    dropped: Mapping[str, int] = dataclasses.field(default_factory=dict)
    dropped_file: str | None = None
    dropped_sha256: str | None = None
    cut_questions: int = 0
    training_answers: VocabularyFile | None = None
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> "DatasetInfo":
        """Reads `dataset_info.json`, of schema version 3 or 2.

        Args:
            folder: the folder of records.

        Raises:
            UserError: if the folder or the file is missing, the file is of
                another schema version, was changed after it was written, or
                contradicts itself.
        """
        folder = pathlib.Path(folder)
        path = path_in(folder, FILE)
        if not folder.is_dir():
            raise UserError(
                "Records must be a folder that pipelines.write_records wrote. "
                f"Received: {folder}, which is no folder"
            )
        if not path.is_file():
            raise UserError(
                f"{path} is missing: it must be there, as "
                "pipelines.write_records writes it last. Received: a folder "
                "without records, or of an unfinished run: run it again"
            )
        output = shlex.quote(str(folder))
        renew = (
            "Write the records again, with the other flags as before: python "
            f"-m pipelines.write_records --output={output} --overwrite"
        )
        try:
            values = read_json(path)
        except UserError as error:
            raise UserError(f"{error}. {renew}") from error
        try:
            return cls.from_json(values)
        except (UserError, RecursionError) as error:
            raise UserError(f"{path}: {error}. {renew}") from error

    @classmethod
    def from_json(cls, value: object) -> "DatasetInfo":
        """Returns the `DatasetInfo` of a parsed file.

        Raises:
            UserError: if it is of another schema version, has another hash
                than it says, or a field is wrong.
        """
        values = json_object(value)
        version = values.get("schema_version")
        if type(version) is not int or version not in _READ:
            refuse("`schema_version`", "3, or 2 of vqa_keras 0.1", version)
        if version == schema_2.VERSION:
            fields = JSONFields(_NEW | schema_2.convert(values), _NAMES)
        else:
            fields = JSONFields(_NEW | values, [*_NAMES, "sha256"])
            written, received = fields.sha256("sha256"), json_sha256(values)
            if received != written:
                known = f"as it was written, sha256 {written}"
                refuse("the file", known, received)
        return cls(
            dataset=fields.text("dataset"),
            splits=splits_from_json(fields.object("splits")),
            question_vocabulary=VocabularyFile.from_json(
                fields.value("question_vocabulary"), "question_vocabulary"
            ),
            answer_vocabulary=VocabularyFile.from_json(
                fields.value("answer_vocabulary"), "answer_vocabulary"
            ),
            sequence_length=fields.count("sequence_length", 1),
            strip_accents=fields.flag("strip_accents"),
            answer_rule=fields.choice("answer_rule", ANSWER_RULES),
            features=fields.optional(
                lambda name: Features.from_json(fields.value(name)), "features"
            ),
            stored_images=fields.flag("stored_images"),
            dropped={
                reason: json_count(count, item_path("dropped", reason))
                for reason, count in fields.object("dropped").items()
            },
            dropped_file=fields.optional(fields.file, "dropped_file"),
            dropped_sha256=fields.optional(fields.sha256, "dropped_sha256"),
            cut_questions=fields.count("cut_questions"),
            training_answers=fields.optional(
                lambda name: VocabularyFile.from_json(fields.value(name), name),
                "training_answers",
            ),
            arguments=_arguments(fields),
            schema_version=fields.count("schema_version"),
        )

    def write(self, folder: str | os.PathLike[str]) -> None:
        """Writes `dataset_info.json`, atomically; call it last.

        Raises:
            UserError: if `read` would refuse the file.
        """
        values = self.to_json()
        values["sha256"] = json_sha256(values)
        text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
        self.from_json(json.loads(text))
        write_atomically(pathlib.Path(folder, FILE), text)

    def to_json(self) -> dict[str, Any]:
        """Returns the JSON object of the file, without its hash."""
        return {
            **{name: getattr(self, name) for name in _NAMES},
            "splits": {n: split.to_json() for n, split in self.splits.items()},
            "question_vocabulary": dataclasses.asdict(self.question_vocabulary),
            "answer_vocabulary": dataclasses.asdict(self.answer_vocabulary),
            "features": self.features and self.features.to_json(),
            "training_answers": self.training_answers
            and dataclasses.asdict(self.training_answers),
            "schema_version": SCHEMA_VERSION,
        }


_NAMES = [field.name for field in dataclasses.fields(DatasetInfo)]
_READ = (SCHEMA_VERSION, schema_2.VERSION)
# Older files lack them.
_NEW: dict[str, Any] = {"dropped_sha256": None, "training_answers": None}


def _arguments(fields: JSONFields) -> dict[str, Any]:
    """Returns the arguments, which are values of flags or lists of them."""
    arguments = fields.object("arguments")
    for name, value in arguments.items():
        for item in value if isinstance(value, list) else [value]:
            where = item_path("arguments", name)
            if isinstance(item, str):
                json_text(item, where)
            elif not _is_number(item) and item is not None:
                refuse(f"`{where}`", "a text, a number, a flag or null", item)
    return arguments


def _is_number(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int)
