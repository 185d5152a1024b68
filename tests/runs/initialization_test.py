"""What a training starts from: a run, word vectors, frozen layers."""

import numpy as np
import pytest
from keras import ops

from vqa_keras import zoo
from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.runs.initialization import Initializer
from vqa_keras.zoo.build_model import build_task

EMBEDDINGS = "question_encoder/word_embedding/embeddings"


@pytest.fixture
def vectors(tmp_path):
    """A file with the vectors of two words of the records."""
    path = tmp_path / "vectors.txt"
    path.write_text("zebra 9 9 9\nthe 1 2 3\ncolor 4 5 6\n")
    return path


def build(records, initializer, entry="cosine"):
    recipe = initializer.set_width(zoo.load_recipe(entry))
    return initializer.then(lambda dtype: build_task(recipe, records, dtype))(
        "float32"
    )


def embeddings(task):
    (weight,) = [w for w in task.weights if w.path == EMBEDDINGS]
    return ops.convert_to_numpy(weight)


def test_embeddings_start_as_wide_as_the_vectors(records, vectors, capsys):
    records = Records(records)
    initializer = Initializer(records, word_vectors=vectors)
    rows = embeddings(build(records, initializer))
    assert rows.shape == (len(records.vocabulary), 3)
    word = {w: rows[i].tolist() for i, w in enumerate(records.vocabulary)}
    assert word["color"] == [4, 5, 6]
    assert word["the"] == [1, 2, 3]
    assert np.abs(word["[UNK]"]).max() <= 0.5  # as without vectors
    total = len(records.vocabulary) - 2
    assert initializer.done.vectors == [2, total]
    assert f"vectors.txt: 2 of {total} words, 3 wide" in capsys.readouterr().out


def test_words_of_a_run_keep_its_vectors(records, run, vectors, capsys):
    records = Records(records)
    width = zoo.load_recipe("cosine")["backbone"]["embedding_dim"]
    lines = [f"{w}{' 7' * width}" for w in ("color", "the")]
    vectors.write_text("\n".join(lines) + "\n")
    initializer = Initializer(records, str(run), vectors)
    task = build(records, initializer)
    source = initializer.source
    fits = embeddings(source).shape == embeddings(task).shape
    assert fits == (not (embeddings(task) == 7).any())
    total = len(records.vocabulary) - 2
    assert initializer.done.words == [total, total]
    assert initializer.done.answers == [len(records.answers)] * 2
    assert f"{total} of {total} words" in capsys.readouterr().out


def test_vectors_of_another_width_than_hidden_ones_are_refused(
    records, vectors
):
    records = Records(records)
    initializer = Initializer(records, word_vectors=vectors)
    with pytest.raises(UserError, match="--word_vectors must be .* 3 wide"):
        build(records, initializer, "hierarchical")


def test_an_unknown_layer_is_refused(records):
    records = Records(records)
    initializer = Initializer(records, frozen=["region_encode"])
    with pytest.raises(UserError, match="--freeze.*did you mean region_enc"):
        build(records, initializer)


def test_a_folder_that_is_no_run_is_refused(records, tmp_path):
    with pytest.raises(UserError, match="results.json"):
        Initializer(Records(records), str(tmp_path))


def test_nothing_to_set_leaves_the_task_as_it_is(records, capsys):
    records = Records(records)
    initializer = Initializer(records)
    build(records, initializer)
    assert initializer.done is None
    assert initializer.settings() == {"initialization": None}
    assert capsys.readouterr().out == ""
