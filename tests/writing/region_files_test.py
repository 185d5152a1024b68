"""Rows of a table are read without os.pread too, which Windows lacks."""

import concurrent.futures
import os

from vqa_keras.writing import region_files


def test_threads_read_the_same_bytes_without_pread(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "pread")
    path = tmp_path / "rows"
    path.write_bytes(bytes(range(256)) * 16)
    file = os.open(path, os.O_RDONLY)
    starts = range(0, 4000, 7)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        rows = pool.map(lambda n: region_files._read_at(file, 9, n), starts)
        assert list(rows) == [path.read_bytes()[n : n + 9] for n in starts]
    os.close(file)
