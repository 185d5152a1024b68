"""Lists what is left out of records, and refuses records that lack much."""

import collections
import json
import pathlib
from collections.abc import Iterable
from collections.abc import Iterator

from vqa_keras.data.splits import Split
from vqa_keras.datasets.question import Dropped
from vqa_keras.errors import UserError
from vqa_keras.files import write_atomically

DROPPED_FILE = "dropped.jsonl"
MAX_DROPPED = 0.01


def write_dropped(
    output: pathlib.Path, dropped: Iterable[Dropped]
) -> tuple[collections.Counter[tuple[str, str]], str | None]:
    """Writes one line per item and counts them by kind and reason.

    Returns:
        `{(item, reason): count}`, such as ("image", "truncated"), and the path
        of the first image file that is missing, or None.
    """
    path = output / DROPPED_FILE
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    missing: list[str] = []

    def lines() -> Iterator[str]:
        for item in dropped:
            counts[item.item, item.reason] += 1
            if item.reason == "missing_file" and item.file and not missing:
                missing.append(item.file)
            yield json.dumps(item.to_json()) + "\n"

    write_atomically(path, lines())
    if not counts:
        path.unlink()
    return counts, missing[0] if missing else None


def check_dropped(
    output: pathlib.Path,
    splits: dict[str, Split],
    counts: collections.Counter[tuple[str, str]],
    missing: str | None,
    allow_dropped: bool,
) -> None:
    """Raises UserError if too much was dropped, or no image is left.

    Args:
        output: folder of the records.
        splits: what is left, by split.
        counts: what `write_dropped` returned, as the next.
        missing: the first missing image file, or None.
        allow_dropped: whether more than 1 % may be missing.
    """
    listed = ", ".join(f"{n} {why}" for (_, why), n in sorted(counts.items()))
    if missing is not None:
        listed += f"; first missing below --images or --input: {missing}"
    kind = "training image" if "train" in splits else "image"
    needed = [splits["train"]] if "train" in splits else splits.values()
    if not any(split.images for split in needed):
        raise UserError(
            f"At least one {kind} must be usable. Received: none ({listed})"
        )
    all_kept = {
        "images": sum(split.images for split in splits.values()),
        "questions": sum(split.questions for split in splits.values()),
    }
    for kind, kept in all_kept.items():
        count = sum(n for (item, _), n in counts.items() if f"{item}s" == kind)
        if count > MAX_DROPPED * (kept + count) and not allow_dropped:
            raise UserError(
                f"At most {MAX_DROPPED:.0%} of the {kind} may be unusable. "
                f"Received: {count} of {kept + count} ({listed}), named in "
                f"{output / DROPPED_FILE}. Correct them and write to a new "
                "--output, or run the same command with --allow_dropped"
            )
