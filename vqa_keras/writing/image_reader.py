"""Reads the pictures of a batch in threads, beside whatever else happens."""

import concurrent.futures
import pathlib
import stat

from vqa_keras.image_encoders.resize import resize
from vqa_keras.images import UnreadableImage
from vqa_keras.writing import quick_jpeg
from vqa_keras.writing.stored_image import to_stored

MAX_BYTES = 256 * 2**20  # of a picture file; it is held in memory whole
_THREADS = 2  # a CNN keeps the cores busy: more threads would only hold memory


class PictureReader:
    """Turns the images of a plan into pixels.

    Args:
        folder: folder that the paths are below.
        draw: function from an image's drawing to the bytes of a picture file,
            for images without a path.
        store_images: whether the bytes to store are returned too.
        size: `(height, width)` that pixels are scaled to, or None.
        max_bytes: int. Larger files are not opened.
    """

    def __init__(
        self,
        folder,
        draw=None,
        store_images=True,
        size=None,
        max_bytes=MAX_BYTES,
    ):
        self.folder = folder
        self.draw = draw
        self.store_images = store_images
        self.size = size
        self.max_bytes = max_bytes

    def read_batches(self, batches):
        """Yields the pictures of each batch; the next one is being read.

        Args:
            batches: iterable of lists of images, dicts of path and drawing.

        Yields:
            A list of `(data, pixels, (height, width))` for each batch: the
            bytes to store or None, uint8 pixels, and the size before scaling.
            In place of a picture that cannot be read is its `UnreadableImage`.
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

    def _try(self, image):
        try:
            return self.read(image)
        except UnreadableImage as error:
            return error

    def read(self, image):
        """Returns `(data, pixels, (height, width))` of one image.

        Raises:
            UnreadableImage: with the reason; beside those of `decode`
                "missing_file" and "unreadable_file".
        """
        data = self._bytes(image)
        pixels = quick_jpeg.decode(data)
        stored = to_stored(data, pixels) if self.store_images else None
        size = pixels.shape[:2]
        if self.size is not None:
            pixels = resize(pixels, self.size)
        return stored, pixels, size

    def _bytes(self, image):
        if image["path"] is None:
            return self.draw(image["drawing"])
        path = pathlib.Path(self.folder, image["path"])
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
