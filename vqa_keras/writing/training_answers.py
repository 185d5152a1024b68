"""Writes the file of the training answers that baselines give."""

import contextlib
import itertools
import os
import pathlib
import sqlite3
from collections.abc import Iterable
from collections.abc import Iterator

from vqa_keras.files import write_atomically
from vqa_keras.text.training_answers import line_of
from vqa_keras.writing.work_folder import WorkFolder

FILE = "training_answers.jsonl"


def write_training_answers(
    output: str | os.PathLike[str], shards: Iterable[str]
) -> pathlib.Path:
    """Sums the reports of the training shards and writes the file.

    The first line is the majority answer; those of the questions follow, in
    the order of their texts. A database in the work folder holds the sums, so
    memory holds the answers of one shard.

    Args:
        output: str or path, folder of the records.
        shards: names of the training shards in their order, all of them
            written.

    Returns:
        `pathlib.Path` of the file.
    """
    work = WorkFolder(output)
    database = work.path / "training_answers.sqlite"
    database.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE sums (place INTEGER, question TEXT, answer TEXT, "
            "count INTEGER, PRIMARY KEY (question, answer)) WITHOUT ROWID"
        )
        places = itertools.count()
        for shard in shards:
            with connection:
                connection.executemany(
                    "INSERT INTO sums VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
                    " SET count = count + excluded.count",
                    (
                        (next(places), *counted)
                        for counted in work.report(shard).answers
                    ),
                )
        path = pathlib.Path(output, FILE)
        write_atomically(path, _lines(connection))
    return path


def _lines(connection: sqlite3.Connection) -> Iterator[str]:
    majority = connection.execute(
        "SELECT answer, sum(count) AS total FROM sums GROUP BY answer "
        "ORDER BY total DESC, min(place) LIMIT 1"
    )
    yield from (line_of(None, *row) for row in majority)
    rows = connection.execute(
        "SELECT question, answer, count FROM sums "
        "ORDER BY question, count DESC, place"
    )
    for _, of_question in itertools.groupby(rows, lambda row: row[0]):
        yield line_of(*next(of_question))
