"""Reads the images of a batch in threads, while the CNN runs on another."""

import concurrent.futures
import os
import pathlib
import stat
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

import numpy as np

from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.image_encoders.resize import resize
from vqa_keras.images import UnreadableImage
from vqa_keras.writing import quick_jpeg
from vqa_keras.writing.stored_image import to_stored

MAX_BYTES = 256 * 2**20  # of an image file; it is held in memory whole
_THREADS = 2  # a CNN keeps the cores busy: more threads would only hold memory


class ReadImage(NamedTuple):
    """An image as it was read.

    Args:
        stored: bytes for the record, or None.
        pixels: uint8 `(H, W, 3)`.
        size: `(height, width)` before scaling.
    """

    stored: bytes | None
    pixels: np.ndarray
    size: tuple[int, int]


class ImageReader:
    """Turns the images of a plan into pixels.

    Args:
        folder: folder that the paths are below, or None.
        draw: function from an image's drawing to the bytes of an image file,
            for images without a path.
        store_images: whether the bytes to store are returned too.
        size: `(height, width)` that pixels are scaled to, or None.
        max_bytes: int. Larger files are not opened.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None,
        draw: Callable[[Any], bytes] | None = None,
        store_images: bool = True,
        size: tuple[int, int] | None = None,
        max_bytes: int = MAX_BYTES,
    ):
        self.folder = folder
        self.draw = draw
        self.store_images = store_images
        self.size = size
        self.max_bytes = max_bytes

    def read_batches(
        self, batches: Iterable[list[ImageQuestions]]
    ) -> Iterator[list[ReadImage | UnreadableImage]]:
        """Yields the images of each batch while the next one is being read.

        An image that cannot be read gives its `UnreadableImage`.
        """
        with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
            following = None
            for batch in batches:
                reading = [pool.submit(self._try, image) for image in batch]
                if following is not None:
                    yield [future.result() for future in following]
                following = reading
            if following is not None:
                yield [future.result() for future in following]

    def _try(self, image: ImageQuestions) -> ReadImage | UnreadableImage:
        try:
            return self.read(image)
        except UnreadableImage as error:
            return error

    def read(self, image: ImageQuestions) -> ReadImage:
        """Reads one image.

        Raises:
            UnreadableImage: with the reason; beside those of `decode`
                "missing_file" and "unreadable_file".
        """
        data = self._bytes(image)
        pixels = quick_jpeg.decode(data)
        stored = to_stored(data, pixels) if self.store_images else None
        size = pixels.shape[:2]
        if self.size is not None:
            pixels = np.asarray(resize(pixels, self.size))
        return ReadImage(stored, pixels, size)

    def _bytes(self, image: ImageQuestions) -> bytes:
        if image.path is None and self.draw is not None:
            return self.draw(image.drawing)
        if image.path is None:
            raise UnreadableImage("missing_file")
        path = pathlib.Path(self.folder or "", image.path)
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for
                raise UnreadableImage("unreadable_file")
            if found.st_size > self.max_bytes:
                raise UnreadableImage("too_large")
            return path.read_bytes()
        except UnreadableImage:
            raise
        except FileNotFoundError as error:
            raise UnreadableImage("missing_file") from error
        except (OSError, ValueError) as error:  # a zero byte in the name
            raise UnreadableImage("unreadable_file") from error
