"""Writes the published results of the zoo into its pages.

    python -m vqa_keras.zoo.tables [--check]

Reads the results.json of every entry, which training with --publish writes, and
writes the part of each card between `<!-- results -->` and
`<!-- end of results -->`, and the table of all entries, README.md of the zoo.
--check writes nothing, names the files that are not current, and ends with
status 1 if there are any.
"""

import sys

from absl import flags

from vqa_keras.command import run
from vqa_keras.errors import UserError
from vqa_keras.files import write_atomically
from vqa_keras.zoo import results_tables

_CHECK = flags.DEFINE_bool(
    "check", False, "Writes nothing; names the files that are not current."
)


def main(argv):
    if argv[1:]:
        raise UserError(
            f"There must be no argument. Received: {' '.join(argv[1:])}"
        )
    stale = {
        path: text
        for path, text in results_tables.pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
    for path, text in stale.items():
        if not _CHECK.value:
            write_atomically(path, text)
        print(f"{'not current' if _CHECK.value else 'written':12} {path}")
    if stale and _CHECK.value:
        sys.exit(1)
    if not stale:
        print("current      all tables of the zoo")


if __name__ == "__main__":
    run(main)
