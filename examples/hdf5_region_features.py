"""Converts region features from HDF5 to a table for `--region_features`.

    python examples/hdf5_region_features.py FEATURES.hdf5 IDS TABLE.tsv

FEATURES.hdf5 has the datasets of public conversions of bottom-up attention, for
N images, either with M regions each or with P in all:

    image_features    (N, M, C) or (P, C)
    image_bb          (N, M, 4) or (P, 4), x1, y1, x2, y2 in pixels
    spatial_features  (N, M, 6) or (P, 6), optional: the boxes relative to the
                      image, which give its size
    pos_boxes         (N, 2), first region and end of each image, for P regions

IDS is the dict from image_id to the row of the image, as a pickle such as
`train36_imgid2idx.pkl` or as JSON. The pickle is read without running it. The
table is written image by image.
"""

import base64
import json
import pathlib
import sys

import h5py
import numpy as np

from vqa_keras.files import replacing
from vqa_keras.writing.pickled_values import RefusedPickle
from vqa_keras.writing.pickled_values import read_pickle

_MAX_OPERATIONS = 50_000_000  # of a pickle; an image takes three or four
_COLUMNS = ("image_id", "num_boxes", "boxes", "features")
_SIZE = ("image_w", "image_h")


def main(arguments):
    """Writes the table that the arguments name."""
    if len(arguments) != 3:
        sys.exit(
            "The arguments must be FEATURES.hdf5 IDS TABLE.tsv. Received: "
            f"{arguments}"
        )
    features, ids, table = map(pathlib.Path, arguments)
    try:
        with h5py.File(features, "r") as file, replacing(table) as temporary:
            _write(temporary, file, _read_ids(ids))
    except (OSError, RefusedPickle, ValueError) as error:
        sys.exit(f"{features} and {ids} must be readable. Received: {error}")


def _read_ids(path):
    """Returns the dict from image_id to row."""
    content = path.read_bytes()
    if path.suffix == ".json":
        ids = json.loads(content)
    else:
        ids = read_pickle(content, _MAX_OPERATIONS)
    if not isinstance(ids, dict) or not all(
        type(row) is int for row in ids.values()
    ):
        raise ValueError(
            f"IDS must be a dict from image_id to row. Received: {type(ids)}"
        )
    if len(set(ids.values())) < len(ids):
        raise ValueError("IDS must give each image a row. Received: one twice")
    return ids


def _write(path, file, ids):
    lacking = {"image_features", "image_bb"} - set(file)
    if lacking:
        raise ValueError(
            "The datasets must include image_features and image_bb. Received: "
            f"{', '.join(file)}"
        )
    shapes = [file[name].shape[:-1] for name in ("image_features", "image_bb")]
    if shapes[0] != shapes[1]:
        raise ValueError(
            "image_features and image_bb must have equal numbers of regions. "
            f"Received: {shapes[0]} and {shapes[1]}"
        )
    with_size = "spatial_features" in file
    columns = _COLUMNS + _SIZE if with_size else _COLUMNS
    with open(path, "w", newline="") as table:
        table.write("\t".join(columns) + "\n")
        for image_id, number in ids.items():
            place = _place(file, number, image_id)
            boxes = np.asarray(file["image_bb"][place], "<f4")
            cells = {
                "image_id": image_id,
                "num_boxes": len(boxes),
                "boxes": _text(boxes),
                "features": _text(file["image_features"][place]),
            }
            if with_size:
                spatial = np.asarray(file["spatial_features"][place])
                cells["image_w"] = _side(boxes[:, 2], spatial[:, 2])
                cells["image_h"] = _side(boxes[:, 3], spatial[:, 3])
            row = [str(cells[column]) for column in columns]
            table.write("\t".join(row) + "\n")


def _place(file, row, image_id):
    """Returns the index of an image's regions."""
    by_position = "pos_boxes" in file
    rows = file["pos_boxes" if by_position else "image_bb"]
    if not 0 <= row < len(rows):
        raise ValueError(
            f"The row of image {image_id} must be one of {len(rows)}. "
            f"Received: {row}"
        )
    if not by_position:
        return row
    start, end = map(int, rows[row])
    if not 0 <= start < end <= len(file["image_bb"]):
        raise ValueError(
            f"The regions of image {image_id} must be in image_bb. Received: "
            f"{start} to {end}"
        )
    return slice(start, end)


def _text(values):
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()


def _side(ends, relative_ends):
    """Returns the side of an image of which boxes end at fractions."""
    last = np.argmax(ends)
    if not relative_ends[last] > 0:
        raise ValueError(
            "spatial_features must have the relative ends of boxes in columns "
            f"2 and 3. Received: {relative_ends[last]}"
        )
    return round(float(ends[last]) / float(relative_ends[last]))


if __name__ == "__main__":
    main(sys.argv[1:])
