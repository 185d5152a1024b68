"""What a folder of records holds: `dataset_info.json`, written last."""

import concurrent.futures
import dataclasses
import json
import os
import pathlib

from vqa_keras.data.records import SCHEMA_VERSION
from vqa_keras.errors import UserError
from vqa_keras.files import check_content
from vqa_keras.files import check_sha256
from vqa_keras.files import check_size
from vqa_keras.files import file_sha256
from vqa_keras.files import write_atomically
from vqa_keras.text.vocabulary import read_vocabulary

FILE = "dataset_info.json"
_COUNTS = ("images", "questions", "in_vocabulary")


@dataclasses.dataclass
class DatasetInfo:
    """What a folder of records holds, read from `dataset_info.json`.

    Readers find shards through it and never by their names on disk; it is
    written last, so a folder that has it is complete.

    Args:
        dataset: name of the data set, such as "easy_vqa".
        splits: `{split: {"images", "questions", "in_vocabulary", "shards":
            [{"name", "images", "questions", "in_vocabulary", "bytes",
            "sha256"}]}}`. `split_entry(shards)` makes one split's dict.
        question_vocabulary: `{"file", "sha256"}`, file relative to the folder.
        answer_vocabulary: `{"file", "sha256"}`.
        sequence_length: words that are kept of a question.
        image_encoder: `{"name", "file", "weights_sha256", "image_size": [h, w],
            "levels": {name: [h, w, C]}}`, or None without features. A level
            whose regions vary from image to image is `[None, C]`.
        stored_images: whether the records hold the picture files.
        dropped: `{reason: count}` of the images that could not be read.
        dropped_file: file that names them, or None.
        cut_questions: questions longer than `sequence_length`.
        arguments: what the writer was called with, by name.
        schema_version: version of the records' schema.
        directory: folder it was read from or written to; not in the file.
    """

    dataset: str
    splits: dict
    question_vocabulary: dict
    answer_vocabulary: dict
    sequence_length: int
    image_encoder: dict | None = None
    stored_images: bool = True
    dropped: dict = dataclasses.field(default_factory=dict)
    dropped_file: str | None = None
    cut_questions: int = 0
    arguments: dict = dataclasses.field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION
    directory: str | None = None

    @classmethod
    def read(cls, directory):
        """Reads a folder's `dataset_info.json` and checks its shards' sizes.

        Args:
            directory: the folder of records.

        Returns:
            A `DatasetInfo`.

        Raises:
            UserError: if the folder or the file is missing, the file is no
                `dataset_info.json` of this schema version, or a shard is
                missing or of another size.
        """
        directory = pathlib.Path(directory)
        path = directory / FILE
        if not directory.is_dir():
            raise UserError(
                "records are read from a folder that pipelines.write_records "
                f"wrote. Received: {directory}, which is no folder"
            )
        if not path.is_file():
            raise UserError(
                f"{path} is missing: needed the file that "
                "pipelines.write_records writes last. The folder holds no "
                "records, or writing them did not finish: run it again"
            )
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            version = values["schema_version"]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{path}: needed a JSON object with a schema_version. "
                f"Received: {type(error).__name__}: {error}"
            ) from error
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{path}: needed records of schema version {SCHEMA_VERSION}. "
                f"Received: version {version}. Write the records again"
            )
        try:
            info = cls(**values, directory=str(directory))
            for split in info.splits:
                for shard in info.split(split)["shards"]:
                    check_size(info.path(shard["name"]), shard["bytes"])
        except (LookupError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path}: needed the layout of schema version "
                f"{SCHEMA_VERSION}. Received: {type(error).__name__}: {error}"
            ) from error
        return info

    def write(self, directory):
        """Writes `dataset_info.json`, atomically; call it last."""
        self.directory = str(directory)
        values = dataclasses.asdict(self)
        del values["directory"]
        text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
        write_atomically(self.path(FILE), text)

    def path(self, name):
        """Returns the path of a file in the folder."""
        return pathlib.Path(self.directory, name)

    def split(self, name):
        """Returns the entry of a split; an unknown one is a `UserError`."""
        if name not in self.splits:
            raise UserError(
                f"{self.path(FILE)}: needed one of the splits "
                f"{', '.join(self.splits)}. Received: {name}"
            )
        return self.splits[name]

    def verify(self, split=None):
        """Checks the sha256 of a split's shards, or of all.

        A file is read once a process, unless it changes.

        Raises:
            UserError: if a shard's bytes are not those that were written.
        """
        splits = list(self.splits) if split is None else [split]
        shards = [s for name in splits for s in self.split(name)["shards"]]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(self._check_content, shards):
                pass

    def question_words(self):
        """Returns the question vocabulary: "[PAD]", "[UNK]" and words."""
        return self._read_words("question_vocabulary")

    def answers(self):
        """Returns the answer vocabulary."""
        return self._read_words("answer_vocabulary")

    def check_image_encoder(self, weights_sha256):
        """Refuses records of another CNN than a model was trained on.

        Args:
            weights_sha256: sha256 of the weights of the model's CNN.

        Raises:
            UserError: if the records' features come from other weights.
        """
        encoder = self.described_encoder()
        if encoder["weights_sha256"] != weights_sha256:
            raise UserError(
                f"{self.path(FILE)}: needed records of the CNN that the model "
                f"was trained on, weights_sha256 {weights_sha256}. Received: "
                f"{encoder['name']}, {encoder['weights_sha256']}"
            )

    def described_encoder(self):
        """Returns `image_encoder`; without features this is a `UserError`."""
        if self.image_encoder is None:
            raise UserError(
                f"{self.path(FILE)}: needed records with features of a CNN. "
                "Received: records without; write them with --image_encoder"
            )
        return self.image_encoder

    def _read_words(self, which):
        entry = getattr(self, which)
        path = self.path(entry["file"])
        if not path.is_file():
            raise UserError(f"{path} is missing: needed the {which}")
        check_sha256(path, entry["sha256"], file_sha256(path))
        return read_vocabulary(path)

    def _check_content(self, shard):
        path = self.path(shard["name"])
        check_size(path, shard["bytes"])
        check_content(path, shard["sha256"])


def split_entry(shards):
    """Returns a split's dict in `DatasetInfo.splits` from its shards'."""
    shards = sorted(shards, key=lambda shard: shard["name"])
    counts = {name: sum(shard[name] for shard in shards) for name in _COUNTS}
    return {**counts, "shards": shards}


def file_entry(path):
    """Returns `{"file": base name, "sha256"}` of a vocabulary file."""
    return {"file": pathlib.Path(path).name, "sha256": file_sha256(path)}
