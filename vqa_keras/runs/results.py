"""The content of results.json: the figures, training and origin of a run."""

import dataclasses
import os
import reprlib
from typing import Any
from typing import TypedDict

from vqa_keras import preset_files
from vqa_keras import renamed
from vqa_keras.errors import UserError
from vqa_keras.files import read_json
from vqa_keras.runs import typed_json
from vqa_keras.runs.figures import Evaluation
from vqa_keras.runs.settings import Inputs
from vqa_keras.runs.typed_json import Count
from vqa_keras.runs.typed_json import Percent
from vqa_keras.runs.typed_json import Seconds

RESULTS = preset_files.RESULTS
# Older files lack them; null in a newer one says that there is no such value.
_NEW_KEYS = ("weights_sha256", "flops_per_question")


class Recipe(TypedDict):
    """Of the recipe of a run, the values that commands read.

    Args:
        model: class name of the backbone.
        source: address of the paper.
        training: `vqa_keras.runs.settings.Settings`, with the flags' values.
    """

    model: str
    source: str
    training: dict[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """How the weights of a run were trained and chosen.

    Args:
        epochs: their number, if the training was not stopped.
        earlier_epochs: of a run that was continued to more epochs, the numbers
            before, whose learning rates its first epochs had; else None.
        selected: a rule of `vqa_keras.runs.kept_epoch`; None in older files,
            which hold the best on validation.
        best_epoch: the epoch of the weights, counted from 1.
        resumed_after_epoch: the last epoch before the process that ended the
            training; 0 if there was one process.
        fit_seconds: the time of all epochs.
        history: the logs of each epoch, with its `seconds`.
    """

    epochs: Count
    earlier_epochs: list[Count] | None = None
    selected: str | None = None
    best_epoch: Count
    resumed_after_epoch: Count
    fit_seconds: Seconds
    history: list[dict[str, float]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Initialization:
    """What the first weights of a training were, as results.json has it.

    Args:
        run: the run or preset of --from.
        weights: `[copied, all]` of the model, counted by their names.
        words: `[known, all]` words of the records, known to the run.
        answers: `[known, all]` answers of the records, known to the run.
        word_vectors: name of the file of --word_vectors.
        vectors: `[found, all]` words of the records, found in that file.
        frozen: paths of the layers of --freeze.
    """

    run: str | None = None
    weights: list[Count] | None = None
    words: list[Count] | None = None
    answers: list[Count] | None = None
    word_vectors: str | None = None
    vectors: list[Count] | None = None
    frozen: list[str] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Seeds:
    """The runs of an ensemble, one per seed.

    Args:
        seeds: of the runs, which are in folders such as `seed_3`.
        accuracy: overall, of each; empty if it was not measured.
        mean: of `accuracy`; None if it was not measured.
        deviation: the standard deviation of `accuracy`, of n - 1.
    """

    seeds: list[Count]
    accuracy: list[Percent]
    mean: Percent | None
    deviation: Percent | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Provenance:
    """The origin of a run: its command, code, backend, device and versions.

    Args:
        command: the command line.
        commit: of the checkout; None for an installed package.
        backend: of Keras.
        device: GPUs and CPU cores.
        versions: of Python and the packages, by name.
    """

    command: str
    commit: str | None
    backend: str
    device: str
    versions: dict[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class File:
    """A file of a preset.

    Args:
        sha256: of its content, 64 hex digits.
        bytes: its size.
    """

    sha256: str
    bytes: Count


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunResults:
    """The content of results.json, in its order.

    The fields of `evaluation`, `training` and `provenance` are keys of the file
    beside the others.

    Args:
        entry: the entry of the zoo.
        dataset: the data set of the records.
        metric: the definition of `accuracy`.
        evaluation: on the test split, or else on validation; None, and
            `"split": null` in the file, if neither has answers.
        weights_sha256: of the CNN whose features trained the model; None if
            there was none.
        parameters: number of the model's parameters, with its CNN.
        trainable_parameters: number of those that were trained, without a
            frozen CNN; None in older files.
        flops_per_question: floating point operations of an answer without the
            CNN; None if they were not counted.
        inputs: the inputs of the model, from the records.
        recipe: the recipe of the entry, with the flags' values.
        precision: dtype policy of the training.
        strategy: "none" or "mirrored".
        seed: of weights and order.
        training: how the weights were trained and chosen.
        seconds: the time of the whole command.
        provenance: the origin of the run.
        initialization: what the first weights were; None for random ones.
        seeds: of an ensemble, the runs whose probabilities it averages.
        image_encoder: in a shipped preset, the name of its CNN.
        files: the files of the preset (`vqa_keras.preset_files`); None in
            older files, and in published results, which have no preset.
        sha256: of the file, as it was read.
        absent: keys of this version that an older file lacks.
        other: keys of the file that this version does not know.
    """

    entry: str
    dataset: str
    metric: str
    evaluation: Evaluation | None = dataclasses.field(
        metadata=typed_json.INLINE
    )
    weights_sha256: str | None
    parameters: Count
    trainable_parameters: Count | None = None
    flops_per_question: Count | None
    inputs: Inputs
    recipe: Recipe
    precision: str
    strategy: str
    seed: Count
    training: Training = dataclasses.field(metadata=typed_json.INLINE)
    seconds: Seconds
    provenance: Provenance = dataclasses.field(metadata=typed_json.INLINE)
    initialization: Initialization | None = None
    seeds: Seeds | None = None
    image_encoder: str | None = None
    files: dict[str, File] | None = None
    sha256: str | None = None
    absent: frozenset[str] = dataclasses.field(
        default=frozenset(), metadata=typed_json.NO_KEY
    )
    other: dict[str, Any] = dataclasses.field(
        default_factory=dict, metadata=typed_json.NO_KEY
    )

    @classmethod
    def from_json(cls, values: Any, source: str) -> "RunResults":
        """Returns the results of a parsed JSON object.

        Args:
            values: the parsed JSON.
            source: what messages call its source.

        Raises:
            UserError: if a key is missing or its value is of another type.
        """
        if not isinstance(values, dict):
            return typed_json.read(cls, values, source)  # refuses it
        known = typed_json.keys(cls)
        absent = frozenset(_NEW_KEYS) - values.keys()
        own = {key: item for key, item in values.items() if key in known}
        return dataclasses.replace(
            typed_json.read(cls, own | dict.fromkeys(absent), source),
            absent=absent,
            other={k: item for k, item in values.items() if k not in known},
        )

    def to_json(self) -> dict[str, Any]:
        """Returns the JSON object that results.json holds."""
        values = typed_json.write(self) | self.other
        return {
            key: item
            for key, item in values.items()
            if item is not None or key not in self.absent
        }


def read_results(path: str | os.PathLike[str]) -> RunResults:
    """Returns the results of a run.

    Raises:
        UserError: if the file is damaged or of vqa_keras 0.1.
    """
    values = read_json(path, preset_files.MAX_BYTES)
    if isinstance(values, dict) and _is_of_old_task(values.get("recipe")):
        raise UserError(
            f"{path} must be of a run of this version. Received: a run of "
            "vqa_keras 0.1; write it again with --noresume: "
            f"{values.get('command')}"
        )
    _refuse_old_names(values, path)
    results = RunResults.from_json(values, str(path))
    preset_files.check_results(values, path)
    return results


def files_of(folder: str | os.PathLike[str]) -> dict[str, File]:
    """Returns the `files` of the results of a preset."""
    found = preset_files.describe(folder)
    return {name: File(**values) for name, values in found.items()}


def read_published(path: str | os.PathLike[str]) -> list[RunResults]:
    """Returns the results of the runs of an entry, a JSON list.

    Raises:
        UserError: if the file is damaged or of vqa_keras 0.1.
    """
    values = read_json(path, preset_files.MAX_BYTES)
    _refuse_old_names(values, path)
    if not isinstance(values, list):
        raise UserError(
            f"{path} must hold a list of results. Received: "
            f"{reprlib.repr(values)}"
        )
    return [
        RunResults.from_json(item, f"{path}, run {number}")
        for number, item in enumerate(values, 1)
    ]


def _is_of_old_task(recipe: Any) -> bool:
    """Whether a recipe names a task, as 0.1 did, in place of a backbone."""
    model = recipe.get("model") if isinstance(recipe, dict) else None
    return isinstance(model, str) and model.endswith("VQA")


def _refuse_old_names(values: Any, path: str | os.PathLike[str]) -> None:
    try:
        is_old = renamed.rename_results(values) != values
    except RecursionError as error:
        raise UserError(
            f"{path} must hold results. Received: {error}"
        ) from error
    if is_old:
        raise UserError(
            f"{path} must have the names of this version. Received: those of "
            "vqa_keras 0.1; rename them with: "
            f"python -m vqa_keras.zoo.rename_results {path}"
        )
