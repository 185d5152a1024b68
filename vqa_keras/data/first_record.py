"""Compares `dataset_info.json` with the first record, before any is read."""

import struct
from collections.abc import Mapping

from vqa_keras.data.dataset_info import FILE
from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.data.features import Shape
from vqa_keras.data.image_record import ImageRecord
from vqa_keras.data.record_files import RecordFiles
from vqa_keras.data.records import decode
from vqa_keras.data.splits import Shard
from vqa_keras.errors import UserError

_HEADER = struct.Struct("<Q4x")  # number of bytes, and its checksum
_FOOTER = 4


def check_first_record(files: RecordFiles) -> None:
    """Refuses records that hold other arrays than `dataset_info.json` says.

    Args:
        files: `RecordFiles` of the records.

    Raises:
        UserError: if the first record cannot be read, or a level's dtype or
            shape, the number of token ids or the image differs.
    """
    # The last split first: to evaluate it takes no record of the training.
    for split in reversed(list(files.info.splits.values())):
        for shard in split.shards:
            if shard.images:
                _check(files, shard)
                return


def _check(files: RecordFiles, shard: Shard) -> None:
    info, path = files.info, files.path(shard.name)
    try:
        image = _read(files, shard)
    except Exception as error:  # damaged bytes fail in any way
        files.check_shard(shard)
        raise UserError(
            f"{path} must begin with a record. Received: {error}"
        ) from error
    pairs: dict[str, tuple[str, str]] = {}  # in the record, in the file
    for level, shape in _levels(info).items():
        array = image.features.get(level)
        held = "none"
        if array is not None:
            held = f"{array.dtype} {array.shape}"
            if None in shape and array.ndim == len(shape):
                shape = (len(array), *shape[1:])
        dtype = info.features and info.features.dtype
        pairs[f"features/{level}"] = (held, f"{dtype} {shape}")
    for question in image.questions[:1]:
        lengths = (str(len(question.token_ids)), str(info.sequence_length))
        pairs["sequence_length"] = lengths
    if image.image is None:
        pairs["stored_images"] = ("False", str(info.stored_images))
    for name, (held, stated) in pairs.items():
        if held != stated:
            files.check_shard(shard)
            raise UserError(
                f"{files.path(FILE)}: {name} must be as in the first record "
                f"of {path.name}, {held}. Received: {stated}"
            )


def _levels(info: DatasetInfo) -> Mapping[str, Shape]:
    return {} if info.features is None else info.features.levels


def _read(files: RecordFiles, shard: Shard) -> ImageRecord:
    with open(files.path(shard.name), "rb") as file:
        header = file.read(_HEADER.size)
        (size,) = _HEADER.unpack(header)
        if size > shard.bytes - _HEADER.size - _FOOTER:
            raise ValueError(f"a record of {size} bytes")
        return decode(file.read(size))
