"""Writes shards atomically: each is either complete or absent."""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import threading
from collections.abc import Iterable
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor

import tensorflow as tf

from vqa_keras.data.records import EncodedRecord
from vqa_keras.data.splits import Shard
from vqa_keras.files import file_sha256
from vqa_keras.files import replacing

MARKER_SUFFIX = ".done.json"
_TEMPORARY = re.compile(r"\..+\.\d+-[0-9a-f]{32}\.tmp")
_CHUNK_BYTES = 1 << 20
_PAUSE = 0.001  # seconds, in which 1 MB is written
_FRAME_BYTES = 16  # TFRecord adds a length and two checksums to a record.


def write_shard(
    path: str | os.PathLike[str],
    records: Iterable[EncodedRecord],
    fingerprint: str = "",
) -> Shard:
    """Writes records to a shard, atomically.

    The records go to a temporary file in the same folder, which is renamed
    when it is complete. A marker `<path>.done.json` is written after it, so
    that `finished_shard` finds the shard on a rerun. The same records in the
    same order give the same bytes.

    This holds if the process dies. If the machine may die too, call
    `flush_files` once all shards are written; until then, a rerun detects a
    shard that the disk lost by its checksum.

    Args:
        path: str or path, file to write, such as
            `DIR/train-00000-of-00004.tfrecord`.
        records: iterable of `EncodedRecord`, from
            `vqa_keras.data.records.encode`.
        fingerprint: str, hash of all that the content depends on (arguments
            and input); a rerun trusts the shard only for an equal fingerprint.
            Defaults to "".

    Returns:
        The `Shard`, as `dataset_info.json` lists it.

    Raises:
        UserError: if the file cannot be written.
    """
    path = pathlib.Path(path)
    images = questions = in_vocabulary = size = 0
    with replacing(path) as temporary:
        with _hashed_writer(temporary) as (writer, sha256):
            for record in records:
                writer.write(record.data)
                images += 1
                questions += record.questions
                in_vocabulary += record.in_vocabulary
                size += len(record.data) + _FRAME_BYTES
        digest = sha256.result()  # a read error keeps the old shard
        found = temporary.stat().st_size
        if found != size:
            raise OSError(f"{size} bytes written, {found} bytes on disk")
    shard = Shard(path.name, images, questions, in_vocabulary, size, digest)
    marker = {"fingerprint": fingerprint, "shard": dataclasses.asdict(shard)}
    with replacing(_marker(path)) as temporary:
        temporary.write_text(json.dumps(marker), encoding="utf-8")
    return shard


def finished_shard(
    path: str | os.PathLike[str], fingerprint: str = ""
) -> Shard | None:
    """Returns a shard that an earlier run finished, or None.

    A shard is trusted only if fingerprint, size and sha256 are those of its
    marker.

    Args:
        path: str or path of the shard.
        fingerprint: str, see `write_shard`. Defaults to "".
    """
    try:
        marker = json.loads(_marker(path).read_text(encoding="utf-8"))
        shard = Shard.from_json(marker["shard"], "shard")
        trusted = (
            marker["fingerprint"] == fingerprint
            and os.path.getsize(path) == shard.bytes
            and file_sha256(path) == shard.sha256
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return shard if trusted else None


def remove_leftovers(directory: str | os.PathLike[str]) -> None:
    """Removes the temporary files of killed runs from a directory.

    Call it once, before the workers start.
    """
    for path in pathlib.Path(directory).glob(".*.tmp"):
        if _TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)


def remove_markers(directory: str | os.PathLike[str]) -> None:
    """Removes the done-markers, once `dataset_info.json` names the shards."""
    for path in pathlib.Path(directory).glob(f"*{MARKER_SUFFIX}"):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _hashed_writer(
    path: pathlib.Path,
) -> Iterator[tuple[tf.io.TFRecordWriter, Future[str]]]:
    """Yields a writer of a new file and a future of its hex sha256.

    A thread computes the hash while the file is written; the result is ready
    once the context has ended. The writer creates the file: truncating an
    existing one would cost a write to the disk on close.
    """
    written = threading.Event()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_os_errors())
        executor = stack.enter_context(
            ThreadPoolExecutor(1, thread_name_prefix="sha256")
        )
        stack.callback(written.set)
        writer = stack.enter_context(tf.io.TFRecordWriter(str(path)))
        yield writer, executor.submit(_sha256_behind, path, written)


def _sha256_behind(path: pathlib.Path, written: threading.Event) -> str:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    with open(path, "rb", buffering=0) as file:
        while True:
            last = written.is_set()  # before reading: then the file is complete
            count = file.readinto(buffer)
            digest.update(buffer[:count])
            if last and not count:
                return digest.hexdigest()
            if count < _CHUNK_BYTES:
                written.wait(_PAUSE)


def _marker(path: str | os.PathLike[str]) -> pathlib.Path:
    return pathlib.Path(f"{path}{MARKER_SUFFIX}")


@contextlib.contextmanager
def _os_errors() -> Iterator[None]:
    """Raises TensorFlow's file errors as OSError."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(str(error)) from error
