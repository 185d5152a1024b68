"""Prints a data card: the statistics of a folder of records.

    python -m pipelines.inspect_records RECORDS [--contact_sheet=FILE.png]

RECORDS is the folder that `pipelines.write_records` wrote to --output. The card
has the splits, question and answer types, lengths of questions, the
distribution of answers, the coverage of the answer vocabulary, the accuracy of
baselines, statistics of the features, and counts of dropped items.
--contact_sheet also draws examples; without it no file is written. All records
are read once; memory is constant in the number of images.
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
    None,
    f"PNG file to draw up to {_EXAMPLES} images in, each with a question and "
    "its answer. Without it no file is written.",
)
_JSON = flags.DEFINE_bool(
    "json", False, "Prints the card as JSON, not as a table."
)


class _Examples:
    """Selects evenly spaced images of all splits, each with one question.

    Args:
        info: `DatasetInfo` of the records.
        wanted: bool, whether to select any, and not only to count.

    Attributes:
        selected: list of dicts of image, question, answer and boxes.
    """

    def __init__(self, info, wanted):
        images = sum(split.images for split in info.splits.values())
        self._wanted = wanted
        self._step = max(1, math.ceil(images / _EXAMPLES))
        self._count = 0
        self.selected = []

    def add(self, image, split):
        number, rest = divmod(self._count, self._step)
        self._count += 1
        if rest or not self._wanted or not image.questions:
            return
        # Neighboring images often have the same first question.
        question = image.questions[number % len(image.questions)]
        answer = question.answer or "(no answer)"
        self.selected.append(
            {
                "image": _pixels(image.image),
                "question": question.question,
                "answer": f"{answer} ({split})",
                "boxes": question.object_boxes,
            }
        )

    def count(self):
        """Returns the number of images so far."""
        return self._count


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
    examples = _Examples(info, wanted=bool(_SHEET.value))
    with Progress(total, examples.count):
        card = data_card(argv[1], examples.add)
    if _JSON.value:
        print(json.dumps(card, indent=2, ensure_ascii=False))
    else:
        width = shutil.get_terminal_size().columns
        print(card_text(card, argv[1], max(60, min(width, 100))))
    if examples.selected:
        _write_sheet(examples.selected, pathlib.Path(_SHEET.value))
        print(f"Examples: {_SHEET.value}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
