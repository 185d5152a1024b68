"""Training with a linear path from n-grams, through the command."""

import json

import numpy as np
import pytest
from keras import ops

from vqa_keras.data import Records
from vqa_keras.data import token_ids
from vqa_keras.models import VQA
from vqa_keras.runs.flops import flops_per_question
from vqa_keras.text import count_ngrams

SET = "--set=head.ngrams=true"


@pytest.mark.slow
def test_a_killed_training_with_n_grams_continues_to_the_same_run(
    call, call_killed, records, tmp_path
):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    settings = ["tiny", f"--data={records}", "--epochs=2", SET]
    done = call("train", *settings, f"--output={whole}")
    assert done.status == 0, done.stderr
    done = call_killed("after:1", *settings, f"--output={killed}")
    assert done.returncode == -9, done.stderr
    done = call("train", *settings, f"--output={killed}")
    assert done.status == 0, done.stderr
    results = json.loads((killed / "results.json").read_text())
    assert results["resumed_after_epoch"] == 1
    assert results["recipe"]["head"]["ngrams"] is True
    task, again = VQA.from_preset(str(whole)), VQA.from_preset(str(killed))
    for a, b in zip(task.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)

    opened = Records(records)
    known = count_ngrams(token_ids(opened, "train"), len(opened.vocabulary))
    assert task.ngrams == [len(found) for found in known]
    for keys, found in zip(task.ngram_dense.keys, known, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(keys)[1:], found)
    assert ops.convert_to_numpy(task.ngram_dense.kernel)[1:].any(axis=1).all()
    # More than without the path: a product and a sum for each of 15 n-grams and
    # 5 answers, 5 additions, and the arithmetic that looks the n-grams up.
    plain = VQA.from_config({**task.get_config(), "ngrams": None})
    more = flops_per_question(task, 6) - flops_per_question(plain, 6)
    product = 2 * 15 * 5 + 5
    assert product <= more <= product + 20 * 15
    assert results["flops_per_question"] == flops_per_question(task, 6)
    done = call("evaluate", killed, f"--data={records}")
    assert f"{results['accuracy']['overall']:.2f} %" in done.stdout


def test_build_says_that_n_grams_need_data(call, zoo_folder, tmp_path):
    text = (zoo_folder / "tiny" / "recipe.toml").read_text()
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("ngrams = false", "ngrams = true"))
    done = call("build", path)
    assert done.status == 0, done.stderr
    assert "n-grams      counted in a training" in done.stdout
