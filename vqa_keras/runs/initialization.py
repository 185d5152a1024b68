"""First weights of a training: those of a run, word vectors, frozen layers."""

import copy
import os
import pathlib
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.files import file_sha256
from vqa_keras.image_encoders import weights_sha256
from vqa_keras.models import VQA
from vqa_keras.models import freeze_layers
from vqa_keras.models import transfer
from vqa_keras.models.transfer import is_word_embedding
from vqa_keras.runs.results import Initialization
from vqa_keras.runs.run import load_run
from vqa_keras.text import read_word_vectors
from vqa_keras.text.vocabulary import PAD
from vqa_keras.text.vocabulary import UNKNOWN


class Initializer:
    """Sets the first weights of the tasks that are built for a training.

    Args:
        records: `Records` of the training.
        run: folder of a run or name of a preset, whose weights are copied; see
            `vqa_keras.models.transfer`. Defaults to None.
        word_vectors: file that `vqa_keras.text.read_word_vectors` takes.
            Defaults to None. Words that the run knows keep its vectors.
        frozen: paths of layers of the backbone that are not trained; see
            `vqa_keras.models.freeze_layers`.

    Attributes:
        done: `Initialization` of the last task; None before, and if there is
            nothing to set.

    Raises:
        UserError: if the run or the file cannot be read.
    """

    def __init__(
        self,
        records: Records,
        run: str | None = None,
        word_vectors: str | os.PathLike[str] | None = None,
        frozen: Sequence[str] = (),
    ):
        self.records = records
        self.run = run
        self.frozen = list(frozen)
        self.done: Initialization | None = None
        self.source, self.other_features = None, False
        if run is not None:
            self.source, results = load_run(run)
            features = records.info.features
            encoder = self.source.backbone.image_encoder
            known = encoder and weights_sha256(encoder)
            self.other_features = features is not None and not (
                records.files.has_features_of(known or results.weights_sha256)
            )
        self.word_vectors = word_vectors
        self.vectors: dict[str, Any] = {}
        self.width = None
        if word_vectors is not None:
            self.vectors, self.width = read_word_vectors(
                word_vectors, self._words(), records.info.strip_accents
            )

    def settings(self) -> dict[str, Any]:
        """Returns what must be the same where a training is continued."""
        if not (self.run or self.word_vectors or self.frozen):
            return {"initialization": None}
        vectors = self.word_vectors and file_sha256(self.word_vectors)
        values = {"from": self.run, "word_vectors": vectors}
        return {"initialization": {**values, "freeze": self.frozen}}

    def then(self, build_task: Callable[[str], VQA]) -> Callable[[str], VQA]:
        """Returns a function that builds a task and sets its weights.

        The first call prints what was set.
        """

        def build(dtype: str) -> VQA:
            task = build_task(dtype)
            found = self._initialize(task)
            if self.done is None:
                self.done = found
                self._print(found)
            return task

        return build

    def set_width(self, recipe: dict[str, Any]) -> dict[str, Any]:
        """Returns the recipe with word embeddings of the vectors' width."""
        if self.width is None or "embedding_dim" not in recipe["backbone"]:
            return recipe
        recipe = copy.deepcopy(recipe)
        recipe["backbone"]["embedding_dim"] = self.width
        return recipe

    def _initialize(self, task: VQA) -> Initialization | None:
        """Sets the first weights of a new task; None if there are none."""
        values: dict[str, Any] = {}
        try:
            if self.word_vectors is not None:
                self._set_vectors(task)
                values["word_vectors"] = pathlib.Path(self.word_vectors).name
                values["vectors"] = [len(self.vectors), len(self._words())]
            if self.source is not None:
                rule = self.records.info.answer_rule
                found = transfer(task, self.source, rule)
                values["run"] = str(self.run)
                values["weights"] = [found.weights, len(task.weights)]
                values["words"] = [found.words, len(self._words())]
                values["answers"] = [found.answers, len(self.records.answers)]
            if self.frozen:
                freeze_layers(task.backbone, self.frozen)
                values["frozen"] = self.frozen
        except UserError:
            raise
        except ValueError as error:
            flag = {"paths": "--freeze", "source": f"--from={self.run}"}
            text = str(error)
            for name, value in flag.items():
                text = text.replace(f"`{name}`", value)
            raise UserError(text.replace("`task`", "the entry")) from error
        return Initialization(**values) if values else None

    def _print(self, found: Initialization | None) -> None:
        """Prints what was set, one line for each source."""
        if found is None:
            return
        if found.vectors is not None:
            print(
                f"vectors      {found.word_vectors}: {_of(found.vectors)} words"
                f", {self.width} wide"
            )
        if found.run is not None:
            print(
                f"from         {found.run}: {_of(found.weights)} weights, "
                f"{_of(found.words)} words, {_of(found.answers)} answers"
            )
        if self.other_features:
            print(
                "warning      the features of the records are of another image "
                f"encoder than those of {self.run}: what it learned about "
                "images does not fit them"
            )
        if found.frozen:
            print(f"frozen       {', '.join(found.frozen)}")

    def _words(self) -> list[str]:
        special = (PAD, UNKNOWN)
        return [word for word in self.records.vocabulary if word not in special]

    def _set_vectors(self, task: VQA) -> None:
        index = {word: i for i, word in enumerate(self.records.vocabulary)}
        embeddings = [w for w in task.weights if is_word_embedding(w, task)]
        for weight in embeddings:
            if weight.shape[1] != self.width:
                raise UserError(
                    f"--word_vectors must be {weight.shape[1]} wide, as the "
                    "word embeddings of the entry (--set changes its sizes). "
                    f"Received: {self.word_vectors}, {self.width} wide"
                )
            value = np.array(ops.convert_to_numpy(weight))
            for word, vector in self.vectors.items():
                value[index[word]] = vector
            weight.assign(value)
        if not embeddings:
            raise UserError(
                "--word_vectors must be for an entry with word embeddings. "
                f"Received: {task.backbone.name}, which has none"
            )


def _of(counts: list[int] | None) -> str:
    known, total = counts or [0, 0]
    return f"{known:,} of {total:,}"
