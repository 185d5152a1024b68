"""The questions that a report shows, and what is read for them."""

import dataclasses
import types

import numpy as np
import pytest

from vqa_keras.data import Records
from vqa_keras.models import VQAPreprocessor
from vqa_keras.runs.evaluation import Predictions
from vqa_keras.runs.examples import choose
from vqa_keras.runs.examples import read_examples
from vqa_keras.text import QuestionTokenizer


def test_examples_are_spread_and_at_most_half_are_wrong():
    right = np.arange(1000) % 2 == 0
    chosen = choose(right, 20, seed=1)
    assert chosen == sorted(set(chosen)) == choose(right, 20, seed=1)
    assert chosen != choose(right, 20, seed=2)
    wrong = [i for i in chosen if not right[i]]
    assert len(chosen) == 20 and len(wrong) == 10
    assert [i // 100 for i in wrong] == list(range(10))


@pytest.mark.parametrize(
    ("right", "number", "expected"),
    [
        ([True] * 3, 2, 2),
        ([False] * 3, 2, 1),
        ([True, False], 9, 2),
        ([True] * 3, 0, 0),
    ],
)
def test_examples_may_be_fewer_than_asked_for(right, number, expected):
    assert len(choose(np.array(right), number)) == expected


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        ((4, 4), [(4, 4), (2, 4, 4), (6, 4, 4), (2, 6, 4, 4), (2, 4, 4, 4, 4)]),
        ((5,), [(5,), (5,), (6, 5), (6, 5), (2, 5, 5)]),
    ],
)
def test_examples_hold_words_and_maps_on_the_grid(records, regions, expected):
    opened = Records(records)
    if len(regions) == 1:  # of a detector
        info = dataclasses.replace(opened.info, features=None)
        opened.files = dataclasses.replace(opened.files, info=info)
    tokenizer = QuestionTokenizer(
        opened.vocabulary, opened.info.sequence_length
    )
    task = types.SimpleNamespace(
        preprocessor=VQAPreprocessor(tokenizer, ["yes", "no"]),
        backbone=types.SimpleNamespace(
            grid_shape=regions if len(regions) == 2 else None
        ),
    )
    attention = {
        "regions_1": (24, *regions),
        "regions_2": (24, 2, *regions),
        "affinity_1": (24, 6, *regions),
        "words_to_regions_1": (24, 2, 6, *regions),
        "regions_to_regions_1": (24, 2, *regions, *regions),
    }
    predictions = Predictions(
        answers=np.zeros((24, 1), int),
        probabilities=np.ones((24, 1)),
        attention={name: np.ones(s) for name, s in attention.items()},
    )
    read = list(read_examples(task, opened, "test", predictions, [0, 5]))
    assert [e.words for e in read] == [
        ["what", "color", "is", "the", "shape"],
        ["is", "there", "a", "red", "shape"],
    ]
    for example in read:
        shapes = [weights.shape for weights in example.attention.values()]
        assert shapes == expected
