"""Decides how many images a shard holds: fewer where images are large.

A shard is the unit of work that a killed run loses. The sizes depend only on
the images and on the arguments, never on measured time: a rerun finds the
shards of the run before.
"""

import itertools
import os
import stat
import warnings
from collections.abc import Iterable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from vqa_keras.datasets.image_names import find_image
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.images import MAX_PIXELS
from vqa_keras.images import UnreadableImage
from vqa_keras.images import open_image
from vqa_keras.writing.image_reader import MAX_BYTES
from vqa_keras.writing.stored_image import is_plain

# Of the images of a shard. Two cores decode, store and scale 100 megapixels of
# JPEG in 1 s and of PNG in 4 s; 32 photographs of a telephone are one batch.
SHARD_MEGAPIXELS = 400
# An image that is stored as a PNG of its pixels takes up to this many times the
# work of one that is stored as it is.
CONVERTED = 5
_HEADER_BYTES = 2**16
_THREADS = 8  # They wait for the disk.


class ImageWork:
    """Estimates the work of an image from its header.

    Args:
        folder: str or path, folder that the images' paths are below.
        store_images: bool, whether the records store the images. Defaults to
            True.
        max_pixels: int, larger images are dropped. Defaults to 50 million.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        store_images: bool = True,
        max_pixels: int = MAX_PIXELS,
    ):
        self.folder = folder
        self.store_images = store_images
        self.max_pixels = max_pixels

    def __call__(self, path: str | None) -> float:
        """Returns the megapixels of an image, `CONVERTED` times if converted.

        Args:
            path: str, path of the file below the folder, or None.

        Returns:
            float; 0 for an image without a file, and for one that is dropped
            before its pixels are decoded.
        """
        if path is None:
            return 0.0
        try:
            file = find_image(self.folder, path)
            status = file.stat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
                return 0.0
            with open(file, "rb") as opened:
                data = opened.read(_HEADER_BYTES)
                try:
                    return self._work(data)
                except UnreadableImage:  # The header may be at the end.
                    return self._work(data + opened.read())
        except (OSError, ValueError):  # UnreadableImage is a ValueError.
            return 0.0

    def _work(self, data: bytes) -> float:
        image, _ = open_image(data, self.max_pixels)
        megapixels = image.width * image.height / 1e6
        if self.store_images and not is_plain(image, data):
            megapixels *= CONVERTED
        return megapixels


def shard_sizes(
    table: QuestionTable, images_per_shard: int, work: ImageWork | None = None
) -> dict[str, list[int]]:
    """Returns the number of images of each shard.

    Divides a split into the smallest number of equal shards of at most
    `images_per_shard` images, and each of these with more work than
    `SHARD_MEGAPIXELS` into parts of about equal work. Memory holds the paths of
    one shard.

    Args:
        table: `QuestionTable`.
        images_per_shard: int, largest number of images per shard.
        work: `ImageWork`. Defaults to None: images are not read, and only their
            number counts.

    Returns:
        `{split: [images of the shard, ...]}`, of consecutive images.
    """
    sizes: dict[str, list[int]] = {}
    with warnings.catch_warnings(), ThreadPoolExecutor(_THREADS) as pool:
        warnings.simplefilter("ignore")  # Odd metadata is harmless.
        for split, total in table.splits().items():
            sizes[split] = []
            paths = table.paths(split)
            for size in _equal_parts(total, images_per_shard):
                if work is None:
                    sizes[split].append(size)
                else:
                    taken = itertools.islice(paths, size)
                    sizes[split] += _parts(list(pool.map(work, taken)))
    return sizes


def _equal_parts(total: int, largest: int) -> Iterator[int]:
    count = -(-total // largest)
    for index in range(count):
        yield (index + 1) * total // count - index * total // count


def _parts(works: list[float]) -> Iterable[int]:
    """Returns numbers of consecutive images with about equal work."""
    total = sum(works)
    count = max(1, -int(-total // SHARD_MEGAPIXELS))
    sizes: dict[int, int] = {}
    before = 0.0
    for work in works:
        # The part in which the middle of the image's work lies.
        part = int((before + work / 2) / total * count) if count > 1 else 0
        sizes[part] = sizes.get(part, 0) + 1
        before += work
    return sizes.values()
