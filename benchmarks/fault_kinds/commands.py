"""The writing commands, on the inputs of a workspace."""

import pathlib
from collections.abc import Callable
from typing import NamedTuple


class Command(NamedTuple):
    """A command that writes an output.

    Args:
        name: str.
        module: str, which `python -m` runs.
        output: str, name of the undisturbed output.
        flags: function of the folder of the inputs and of the output.
        door: str, name in `signatures.DOORS` of what reads the output.
    """

    name: str
    module: str
    output: str
    flags: Callable[[pathlib.Path, pathlib.Path], list]
    door: str

    def arguments(self, whole, output):
        """Returns the command's arguments.

        Args:
            whole: `pathlib.Path` of the inputs.
            output: `pathlib.Path` of the output.
        """
        return self.flags(whole, output)


def _write_records(data):
    return lambda whole, output: [
        "--dataset=jsonl",
        f"--input={whole / data}",
        f"--output={output}",
        "--images_per_shard=5",
        "--batch_size=5",
        "--allow_dropped",
    ]


def _train(recipe, *more):
    return lambda whole, output: [
        whole / recipe,
        f"--data={whole / 'records'}",
        f"--output={output}",
        *more,
    ]


def _of_run(*more, data=True):
    return lambda whole, output: [
        whole / "run",
        f"--output={output}",
        *([f"--data={whole / 'records'}"] if data else []),
        *more,
    ]


def _predict(whole, output):
    return [
        whole / "run",
        f"--input={whole / 'data' / 'train.jsonl'}",
        f"--output={output}",
        "--batch_size=4",
    ]


def _ask(whole, output):
    return [
        whole / "run",
        f"--image={whole / 'data' / 'images' / '0.png'}",
        "--question=what color is thing 1 of 0?",
        f"--output={output}",
    ]


_ZOO = "vqa_keras.zoo."
_RECORDS = "pipelines.write_records"

# In the order in which they need one another.
COMMANDS = [
    Command(
        "write_records", _RECORDS, "records", _write_records("data"), "records"
    ),
    Command("train", f"{_ZOO}train", "run", _train("tiny.toml"), "load_run"),
    Command(
        "train --seeds",
        f"{_ZOO}train",
        "seeds",
        _train("tiny.toml", "--seeds=1,2", "--epochs=2"),
        "load_run",
    ),
    Command(
        "train, images",
        f"{_ZOO}train",
        "pixels",
        _train("pixels.toml"),
        "load_run",
    ),
    Command("predict", f"{_ZOO}predict", "answers.jsonl", _predict, "text"),
    Command(
        "export", f"{_ZOO}export", "exported", _of_run(data=False), "exported"
    ),
    Command("evaluate", f"{_ZOO}evaluate", "figures.json", _of_run(), "text"),
    Command("report", f"{_ZOO}report", "report.html", _of_run(), "text"),
    Command(
        "ship",
        f"{_ZOO}ship",
        "shipped",
        _of_run("--image_encoder=grid_cnn", data=False),
        "load_run",
    ),
    Command("ask", f"{_ZOO}ask", "answer.html", _ask, "text"),
]
# Of other data and another seed, whose files replace those of the above.
OTHERS = [
    Command(
        "other records",
        _RECORDS,
        "other_records",
        _write_records("other_data"),
        "records",
    ),
    Command(
        "other run",
        f"{_ZOO}train",
        "other",
        _train("tiny.toml", "--seed=2"),
        "load_run",
    ),
]
