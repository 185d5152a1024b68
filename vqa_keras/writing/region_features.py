"""Reads precomputed region features by image, through their index.

The features are tables or folders, of one number of channels C. M is the number
of regions. Boxes are x1, y1, x2, y2 in pixels.

A table has a line per image, with cells between tabs. The first line may name
the columns, in any order:

    image_id | img_id
    image_w | img_w | image_width | img_width | width           optional
    image_h | img_h | image_height | img_height | height        optional
    num_boxes | num_bbox | num_bboxes | num_box                 M
    boxes | bbox | bboxes | image_bboxes                        (M, 4)
    features | feature | x | image_feat | image_features        (M, C)

Other columns are ignored. Without that line the columns are those of bottom-up
attention or of LXMERT, by their number:

    image_id  image_w  image_h  num_boxes  boxes  features
    img_id  img_h  img_w  objects_id  objects_conf  attrs_id  attrs_conf
        num_boxes  boxes  features

Boxes and features are base64 of raw little-endian float32, float16 or float64.
The number of bytes tells the dtype of boxes; the bits tell that of features, in
`vqa_keras.writing.region_payload`, and a row whose bits do not is refused
unless the rows before it tell. Cells may be in quotes, or bytes as Python 3
prints them, `b'...'`. Lines end with LF or CRLF.

A folder has a file per image, also in subfolders:

    NAME.npz             arrays named as the columns above, or `image_size`,
                         (height, width); of them, features and boxes are
                         required
    NAME.npy             features, or a dict of them
    NAME_info.npy        dict of the others, beside NAME.npy

Features may be (M, C) or (C, M): M is the number of boxes. M = C is refused. A
number of boxes below that of the rows marks the last rows as padding; features
may have more rows than boxes only if these are zero. A dict is a pickle, which
`vqa_keras.writing.pickled_values` reads without running it; arrays of objects
in an .npz file are never read.

`examples/hdf5_region_features.py` converts HDF5 files to a table.

The name of a row is its image_id, that of a file is NAME; the ending of an
image file is ignored, as in `X.jpg.npz`. They belong to the image with that
image_id or file name, and other zeros; to the image with that number, as `9`
and `COCO_train2014_000000000009` have it; or, if no such name is there, to the
image whose name differs by a prefix or suffix. Two that belong to one image are
an error, except that equal rows count once and that a readable row replaces a
broken one, also if it stands in the line of that row.
"""

import pathlib
import sqlite3
import weakref

from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.errors import UserError
from vqa_keras.writing.region_files import RegionFiles
from vqa_keras.writing.region_index import RegionIndex
from vqa_keras.writing.region_names import ImageNames
from vqa_keras.writing.region_table import Entry
from vqa_keras.writing.region_table import RegionTable
from vqa_keras.writing.regions import Regions
from vqa_keras.writing.regions import UnreadableFeatures


class RegionFeatures:
    """Reads the region features of an image through an index.

    Threads may share one object. Each process opens its own: open files cannot
    be pickled.

    Args:
        index: `RegionIndex`.

    Attributes:
        close: function without arguments that closes the files.
    """

    def __init__(self, index: RegionIndex):
        self._files = RegionFiles(index.paths)
        path = pathlib.Path(index.index_path)
        uri = f"{path.absolute().as_uri()}?mode=ro"
        database = sqlite3.connect(uri, uri=True, check_same_thread=False)
        self._table = RegionTable(database)
        # Called by the owner, or at garbage collection.
        self.close = weakref.finalize(self, _close, self._files.close, database)

    def read(self, image: ImageQuestions) -> Regions:
        """Returns the features of an image.

        Args:
            image: `ImageQuestions`.

        Returns:
            `Regions`.

        Raises:
            UnreadableFeatures: with the reason, "missing_features" if the image
                has neither a row nor a file.
            UserError: if the image has two, or if a file has changed since it
                was indexed.
        """
        entry = self._find(image)
        if entry is None:
            raise UnreadableFeatures("missing_features", image.image_id)
        if entry.reason is not None:
            raise UnreadableFeatures(entry.reason, image.image_id)
        try:
            return self._files.read(entry)
        except UnreadableFeatures as error:
            problem = error.reason
        path = self._files.paths[entry.place.file]
        raise UserError(
            f"{path} has changed while it was in use: it must have the "
            f"features of image_id {entry.name!r}. Received: {problem}"
        )

    def _find(self, image: ImageQuestions) -> Entry | None:
        names = ImageNames(image)
        found = self._table.named(names.exact)
        found += self._table.numbered(names.numbers)
        entries = {entry.name: entry for entry in found}
        matching = [entries[name] for name in names.matching(entries)]
        readable = [entry for entry in matching if entry.reason is None]
        if len(readable) > 1:
            places = [self._files.name(entry.place) for entry in readable]
            raise UserError(
                f"Image {image.image_id} must have one row or file of region "
                f"features. Received: {' and '.join(places)}"
            )
        matching = readable or matching
        return matching[0] if matching else None


def _close(close_files, database: sqlite3.Connection) -> None:
    database.close()
    close_files()
