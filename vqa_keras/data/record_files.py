"""The files of a folder of records, opened and checked."""

import concurrent.futures
import contextlib
import dataclasses
import functools
import os
import pathlib
from collections.abc import Iterator
from typing import cast

import keras

from vqa_keras.data.dataset_info import FILE
from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.dataset_info import VocabularyFile
from vqa_keras.data.features import Features
from vqa_keras.data.links import path_in
from vqa_keras.data.splits import Shard
from vqa_keras.data.splits import Split
from vqa_keras.errors import UserError
from vqa_keras.files import check_content
from vqa_keras.files import check_sha256
from vqa_keras.files import check_size
from vqa_keras.files import file_sha256
from vqa_keras.image_encoders import check_network
from vqa_keras.image_encoders import weights_sha256
from vqa_keras.image_encoders.keras_file import load_keras_file
from vqa_keras.image_encoders.levels import at_levels
from vqa_keras.text import QuestionTokenizer
from vqa_keras.text.vocabulary import read_vocabulary


@dataclasses.dataclass(frozen=True)
class RecordFiles:
    """The files of a folder of records, opened and checked.

    Args:
        folder: the folder.
        info: `DatasetInfo` of the folder.
    """

    folder: pathlib.Path
    info: DatasetInfo

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> "RecordFiles":
        """Reads `dataset_info.json` and checks the sizes of the shards.

        Raises:
            UserError: as `DatasetInfo.read`, or if a shard is missing or of
                another size.
        """
        files = cls(pathlib.Path(folder), DatasetInfo.read(folder))
        for split in files.info.splits.values():
            for shard in split.shards:
                check_size(files.path(shard.name), shard.bytes)
        return files

    def path(self, name: str) -> pathlib.Path:
        """Returns the path of a file in the folder.

        Raises:
            UserError: if it is a link that leaves the folder.
        """
        return path_in(self.folder, name)

    def split(self, name: str) -> Split:
        """Returns a split; an unknown one is a `UserError`."""
        splits = self.info.splits
        if name not in splits:
            raise UserError(
                f"{self.path(FILE)}: the split must be one of "
                f"{', '.join(splits)}. Received: {name}"
            )
        return splits[name]

    def verify(self, split: str | None = None, again: bool = False) -> None:
        """Checks the sha256 of a split's shards, or of all.

        A file is read once per process, unless it changes or for `again`.

        Raises:
            UserError: if a shard's bytes are not those that were written.
        """
        names = list(self.info.splits) if split is None else [split]
        shards = [shard for name in names for shard in self.split(name).shards]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            check = functools.partial(self.check_shard, again=again)
            for _ in pool.map(check, shards):
                pass

    @contextlib.contextmanager
    def naming_damage(self) -> Iterator[None]:
        """Raises a `UserError` that names the shard where TensorFlow fails.

        An error that no shard explains is left as it is.
        """
        try:
            yield
        except Exception as error:
            if type(error).__module__.startswith("tensorflow."):
                self.verify(again=True)
            raise

    def question_words(self) -> list[str]:
        """Returns the question vocabulary: "[PAD]", "[UNK]" and words."""
        return self._read_words(self.info.question_vocabulary)

    def answers(self) -> list[str]:
        """Returns the answer vocabulary."""
        return self._read_words(self.info.answer_vocabulary)

    def dropped(self) -> bytes:
        """Returns the JSON lines that list what was left out."""
        info = self.info
        if info.dropped_file is None:
            return b""
        path = self.path(info.dropped_file)
        check_listed(path, info.dropped_sha256, "the list of what was left out")
        return path.read_bytes()

    def features(self) -> Features:
        """Returns the `Features`; without any this is a `UserError`."""
        if self.info.features is None:
            raise UserError(
                f"{self.path(FILE)}: the records must be with features. "
                "Received: records without; write them with --image_encoder, "
                'or read pixels with inputs="images"'
            )
        return self.info.features

    def image_encoder(self) -> keras.Model:
        """Returns the CNN that computed the features; see `Records`."""
        features = self.features()
        if features.file is None:
            raise UserError(
                f"{self.folder}: the features must be of a CNN. Received: files"
            )
        path = self.path(features.file)
        what = f"the CNN {features.name} as a .keras file"
        model = load_keras_file(path, what)
        check_network(path, model, features.weights_sha256)
        return cast(keras.Model, model)

    def tokenizer(self) -> QuestionTokenizer:
        """Returns the tokenizer of the records' token ids."""
        return QuestionTokenizer(
            self.question_words(),
            self.info.sequence_length,
            self.info.strip_accents,
        )

    def check_features(self, sha256: str | None) -> None:
        """Refuses features of another CNN than a model was trained on.

        Args:
            sha256: `weights_sha256` of the model's CNN, or None if its run
                names none.

        Raises:
            UserError: if the features come from another CNN.
        """
        features = self.features()
        if not self.has_features_of(sha256):
            raise UserError(
                f"{self.path(FILE)}: the features must be of the CNN that the "
                f"model was trained on, weights_sha256 {sha256}. "
                f"Received: {features.name}, {features.weights_sha256}"
            )

    def has_features_of(self, sha256: str | None) -> bool:
        """Returns whether a CNN, whole or up to the last level, computed them.

        The CNN's file is read where the hash that the records state is another:
        a model of regions has the CNN up to the last level, and older records
        state a hash of the weights alone.
        """
        features = self.features()
        if features.weights_sha256 == sha256:
            return True
        if sha256 is None or features.file is None:
            return False
        if not self.path(features.file).is_file():
            return False
        encoder = self.image_encoder()
        networks = (encoder, at_last_level(encoder, features))
        return sha256 in map(weights_sha256, networks)

    def _read_words(self, vocabulary: VocabularyFile) -> list[str]:
        path = self.path(vocabulary.file)
        check_listed(path, vocabulary.sha256, "the vocabulary")
        return read_vocabulary(path)

    def check_shard(self, shard: Shard, again: bool = True) -> None:
        """Checks the size and sha256 of a shard, as `verify`."""
        path = self.path(shard.name)
        check_size(path, shard.bytes)
        try:
            if again:
                check_sha256(path, shard.sha256, file_sha256(path))
            else:
                check_content(path, shard.sha256)
        except OSError as error:
            raise UserError(
                f"{path} must be a readable file. Received: {error.strerror}"
            ) from error


def at_last_level(encoder: keras.Model, features: Features) -> keras.Model:
    """Returns the CNN up to the last of several levels, that of "regions"."""
    if not isinstance(encoder.output, dict):
        return encoder
    *_, level = features.levels
    return at_levels(features.name, encoder, [level])


def check_listed(path: pathlib.Path, sha256: str | None, what: str) -> None:
    """Checks the sha256 of a small file of the records.

    Raises:
        UserError: if it is missing, unreadable or changed.
    """
    received = "no such file"
    if path.is_file():
        try:
            received = file_sha256(path)
            check_sha256(path, sha256 or received, received)
            return
        except OSError as error:
            received = error.strerror
    raise UserError(
        f"{path} must be {what} of the records. Received: {received}"
    )
