"""Prints a data card: what a folder of records holds.

    python -m pipelines.inspect_records records

Splits, questions by type, lengths, the distribution of answers, how much of
each split the answer vocabulary covers, the accuracy of guesses without the
image, figures of the features, and counts of dropped items. A contact sheet of
examples goes to a PNG file. All records are read once; memory is constant in
the number of images.
"""

import json
import math
import pathlib
import shutil
import sys

from absl import flags

from pipelines.card_text import card_text
from pipelines.data_card import data_card
from vqa_keras.command import run
from vqa_keras.data import DatasetInfo
from vqa_keras.errors import UserError
from vqa_keras.images import UnreadableImage
from vqa_keras.images import decode
from vqa_keras.visualization.contact_sheet import contact_sheet
from vqa_keras.writing.progress import Progress

_EXAMPLES = 16

_SHEET = flags.DEFINE_string(
    "contact_sheet",
    "contact_sheet.png",
    "PNG file to write with examples, in the current folder by default; "
    "--contact_sheet= writes none.",
)
_JSON = flags.DEFINE_bool("json", False, "Print the card as JSON instead.")


class _Examples:
    """Keeps a few images of all splits, evenly spaced, with one question.

    Args:
        info: `DatasetInfo` of the records.
    """

    def __init__(self, info):
        images = sum(split.images for split in info.splits.values())
        self._step = max(1, math.ceil(images / _EXAMPLES))
        self._seen = 0
        self.found = []

    def add(self, image, split):
        number, rest = divmod(self._seen, self._step)
        self._seen += 1
        if rest or not image.questions:
            return
        # Neighboring images often have the same first question.
        question = image.questions[number % len(image.questions)]
        answer = question.answer or "(no answer)"
        self.found.append(
            {
                "image": _pixels(image.image),
                "question": question.question,
                "answer": f"{answer} ({split})",
                "boxes": question.object_boxes,
            }
        )

    def seen(self):
        """Returns the number of images so far."""
        return self._seen


def _pixels(data):
    try:
        return None if data is None else decode(data)
    except UnreadableImage:
        return None


def _write_sheet(examples, path):
    try:
        contact_sheet(examples).save(path, format="PNG")
    except OSError as error:
        raise UserError(
            f"--contact_sheet cannot be written: {error}"
        ) from error


def main(argv):
    if len(argv) != 2:
        raise UserError(
            "The only argument must be the folder of the records: python -m "
            "pipelines.inspect_records DIR. Received: "
            f"{' '.join(argv[1:]) or 'nothing'}"
        )
    info = DatasetInfo.read(argv[1])
    total = sum(split.images for split in info.splits.values())
    examples = _Examples(info)
    with Progress(total, examples.seen):
        card = data_card(argv[1], examples.add)
    if _JSON.value:
        print(json.dumps(card, indent=2, ensure_ascii=False))
    else:
        width = shutil.get_terminal_size().columns
        print(card_text(card, argv[1], max(60, min(width, 100))))
    if _SHEET.value and examples.found:
        _write_sheet(examples.found, pathlib.Path(_SHEET.value))
        print(f"Examples: {_SHEET.value}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
