r"""Injects faults and compares what follows with the undisturbed outcome.

    python benchmarks/faults.py [--folder=DIR --kinds=flips,kills --kills=100]

Each kind of fault, a module of `fault_kinds`, is a row of the table:

    flips     a flipped bit in a file of a run, a preset, records, region
              features, a `.keras` file, checkpoints or a file of answers
    damaged   a file of these overwritten, truncated, zeroed, extended, removed,
              emptied, exchanged with another or replaced by that of another run
    kills     SIGKILL at random moments of every writing command, then the same
              command again
    disks     a disk that fills up while a command writes, then space and the
              same command
    pairs     two processes of a command at once, on one output
    hostile   bombs, foreign modules, Lambda, pickles, deep and huge JSON, links
              and names that leave the folder
    requests  500 requests per case to an exported model, 5 % of them bad
    writing   --images of records: kills, a killed worker, a full disk,
              --corrupted images

What must be 0 is 0, or the command ends with status 1: outcomes that are
silently different, tracebacks, and faults after which finished work was lost or
could not be continued. A refusal is a ValueError in Python, and status 2 with a
message of at most three lines on stderr of a command; InvalidArgumentError or a
row that is not `readable` of a SavedModel. "Equal" is judged by what users
read: weights, answers, attention, figures, records; times and dates are left
out after kills.

Two minutes, besides two for the undisturbed outputs:

    python benchmarks/faults.py --kinds=flips,damaged,hostile --hostile=10

All of the table:

    python benchmarks/faults.py --folder=DIR --flips=500 --damaged=1000 \
        --kills=100 --disks=40 --pairs=40 --hostile=36 --requests=20

--folder keeps the work: the same command continues it, and more cases or kinds
are added to those of which results.jsonl has a line. After a change of the code
give a new folder. A case is repeated by its --seed, kind and number.

Left out: files without a hash that Keras, TensorFlow or people write (a
SavedModel, tables of text, csv, word vectors).
"""

import contextlib
import pathlib
import sys
import tempfile

from absl import flags
from fault_kinds.commands import COMMANDS
from fault_kinds.commands import OTHERS
from fault_kinds.damaged import Damaged
from fault_kinds.disks import Disks
from fault_kinds.hostile import Hostile
from fault_kinds.journal import Journal
from fault_kinds.kills import Kills
from fault_kinds.pairs import Pairs
from fault_kinds.preload import preload
from fault_kinds.runner import Runner
from fault_kinds.server import Requests
from fault_kinds.workspace import Workspace
from fault_kinds.writing import Writing

from vqa_keras.command import run
from vqa_keras.errors import UserError

# Kind: what makes it, and its number of cases without its flag.
_KINDS = {
    "flips": (lambda workspace: Damaged(workspace, "flips"), 40),
    "damaged": (lambda workspace: Damaged(workspace, "damaged"), 60),
    "kills": (Kills, 10),
    "disks": (Disks, 10),
    "pairs": (Pairs, 10),
    "hostile": (Hostile, 28),
    "requests": (Requests, 1),
    "writing": (
        lambda workspace: Writing(workspace, _IMAGES.value, _CORRUPTED.value),
        1,
    ),
}

_CHOSEN = flags.DEFINE_list(
    "kinds", list(_KINDS), f"Kinds of faults: {', '.join(_KINDS)}."
)
_COUNTS = {
    name: flags.DEFINE_integer(name, count, f"Cases of {name}.", lower_bound=0)
    for name, (_, count) in _KINDS.items()
}
_IMAGES = flags.DEFINE_integer(
    "images", 1000, "Images of writing.", lower_bound=50
)
_CORRUPTED = flags.DEFINE_integer(
    "corrupted", 500, "Corrupted images of writing.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", 0, "Chooses files, bits and moments.")
_JOBS = flags.DEFINE_integer("jobs", 2, "Processes at a time.", lower_bound=1)
_FOLDER = flags.DEFINE_string(
    "folder", None, "Folder that keeps the work. Default: a temporary one."
)


def main(argv):
    unknown = [name for name in _CHOSEN.value if name not in _KINDS]
    if unknown or len(argv) > 1:
        raise UserError(
            f"--kinds must be of {', '.join(_KINDS)}. Received: "
            f"{', '.join(unknown + argv[1:])}"
        )
    preload()
    with contextlib.ExitStack() as stack:
        folder = _FOLDER.value or stack.enter_context(
            tempfile.TemporaryDirectory()
        )
        folder = pathlib.Path(folder).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        workspace = Workspace(folder, _SEED.value)
        workspace.prepare(COMMANDS + OTHERS)
        journal = Journal(folder / "results.jsonl", _SEED.value)
        runner = Runner(workspace, journal, _JOBS.value)
        counts = {name: _COUNTS[name].value for name in _CHOSEN.value}
        for name, count in counts.items():
            runner.run(_KINDS[name][0](workspace), count)
        for outcome, what, times, remark in journal.failures(counts):
            print(f"{outcome} x{times}  {what}: {remark}")
        lines, passed = journal.table(counts)
        print("\n".join(lines))
    sys.exit(not passed)


if __name__ == "__main__":
    run(main)
