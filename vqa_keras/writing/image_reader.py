"""Reads images in threads, one batch ahead of the CNN."""

import concurrent.futures
import os
import stat
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

import numpy as np

from vqa_keras.datasets.image_names import find_image
from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.image_encoders.resize import resize
from vqa_keras.images import MAX_PIXELS
from vqa_keras.images import UnreadableImage
from vqa_keras.writing import quick_jpeg
from vqa_keras.writing.stored_image import to_stored

MAX_BYTES = 256 * 2**20  # of an image file, which is held in memory
_THREADS = 2  # The CNN keeps the cores busy: more threads only cost memory.


class ReadImage(NamedTuple):
    """A decoded image.

    Args:
        stored: bytes for the record, or None.
        pixels: uint8 array `(H, W, 3)`.
        size: `(height, width)` before scaling.
    """

    stored: bytes | None
    pixels: np.ndarray
    size: tuple[int, int]


class ImageReader:
    """Reads and decodes the images of a plan.

    Args:
        folder: str or path, folder that the images' paths are below, or None.
            A path may be spelled in another way: see `find_image`.
        draw: function from an image's drawing to the bytes of an image file,
            for images without a path. Defaults to None.
        store_images: bool, whether to return the bytes for the record too.
            Defaults to True.
        size: `(height, width)` to scale the pixels to, or None (default).
        max_bytes: int, larger files are not opened. Defaults to 256 MiB.
        max_pixels: int, images whose header declares more are not decoded.
            Defaults to 50 million.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None,
        draw: Callable[[Any], bytes] | None = None,
        store_images: bool = True,
        size: tuple[int, int] | None = None,
        max_bytes: int = MAX_BYTES,
        max_pixels: int = MAX_PIXELS,
    ):
        self.folder = folder
        self.draw = draw
        self.store_images = store_images
        self.size = size
        self.max_bytes = max_bytes
        self.max_pixels = max_pixels

    def read_batches(
        self, batches: Iterable[list[ImageQuestions]]
    ) -> Iterator[list[ReadImage | UnreadableImage]]:
        """Yields the images of each batch while the next batch is read.

        Args:
            batches: iterable of lists of `ImageQuestions`.

        Yields:
            List per batch: a `ReadImage` per image, or the `UnreadableImage`
            that reading it raised.
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

        Args:
            image: `ImageQuestions`.

        Returns:
            `ReadImage`.

        Raises:
            UnreadableImage: with a reason of `vqa_keras.images.decode`, or
                "missing_file" or "unreadable_file".
        """
        data = self._bytes(image)
        pixels = quick_jpeg.decode(data, self.max_pixels)
        stored = None
        if self.store_images:
            stored = to_stored(data, pixels, self.max_pixels)
        size = pixels.shape[:2]
        if self.size is not None:
            pixels = np.asarray(resize(pixels, self.size))
        return ReadImage(stored, pixels, size)

    def _bytes(self, image: ImageQuestions) -> bytes:
        if image.path is None and self.draw is not None:
            return self.draw(image.drawing)
        if image.path is None:
            raise UnreadableImage("missing_file")
        try:
            path = find_image(self.folder or "", image.path)
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):  # reading a pipe would block
                raise UnreadableImage("unreadable_file")
            if status.st_size > self.max_bytes:
                raise UnreadableImage("too_large")
            return path.read_bytes()
        except UnreadableImage:
            raise
        except FileNotFoundError as error:
            raise UnreadableImage("missing_file") from error
        except (OSError, ValueError) as error:  # a zero byte in the name
            raise UnreadableImage("unreadable_file") from error
