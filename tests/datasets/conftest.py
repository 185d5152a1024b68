import pytest

from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.datasets.readers import READERS


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def read_all(folder, tmp_path):
    """Reads `folder` and returns `{split: images}`, nothing held out."""

    def read_all(dataset, **arguments):
        reader = READERS[dataset]
        with QuestionTable(tmp_path / "table.sqlite") as table:
            arguments = {"validation_fraction": 0, **arguments}
            reader.read(reader.find(folder), table, **arguments)
            table.finish(training_required=False)
            return {s: list(table.images(s)) for s in table.splits()}

    return read_all
