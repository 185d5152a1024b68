import collections
import itertools

import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import NgramDense
from vqa_keras.text import count_ngrams

V = 7
TOKENS = np.array(
    [
        [2, 3, 4, 2, 3, 4],  # all of its n-grams but one are there twice
        [2, 3, 4, 0, 0, 0],
        [2, 3, 0, 4, 2, 0],  # no n-gram crosses the padding
        [5, 1, 6, 5, 1, 6],
        [6, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ],
    "int32",
)


def ngrams_of(question):
    """All n-grams of a question, as tuples, in a list."""
    words = [
        list(run)
        for real, run in itertools.groupby(question.tolist(), bool)
        if real
    ]
    return [
        tuple(run[start : start + n])
        for run in words
        for n in (1, 2, 3)
        for start in range(len(run) - n + 1)
    ]


def known_of(token_ids, min_count=3):
    """The n-grams that occur often enough, in the order of their rows."""
    counts = collections.Counter(
        ngram for question in token_ids for ngram in ngrams_of(question)
    )
    often = [ngram for ngram, count in counts.items() if count >= min_count]
    return sorted(often, key=lambda ngram: (len(ngram), ngram))


def make(token_ids, **arguments):
    """A layer of random weights that knows the n-grams of `token_ids`."""
    layer = NgramDense(4, V, count_ngrams(token_ids, V), **arguments)
    layer.build(token_ids.shape)
    rng = np.random.default_rng(1)
    layer.kernel.assign(rng.normal(size=layer.kernel.shape))
    return layer


def expected(layer, known, token_ids):
    """The linear map of a dense multi-hot vector of unit length."""
    kernel = ops.convert_to_numpy(layer.kernel)[1:].astype("float64")
    outputs = np.zeros((len(token_ids), 4))
    for row, question in enumerate(token_ids):
        x = np.zeros(len(known))
        for ngram in set(ngrams_of(question)) & set(known):
            x[known.index(ngram)] = 1
        outputs[row] = x / max(np.linalg.norm(x), 1e-9) @ kernel
    return outputs


@pytest.fixture
def random_ids():
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 10, (80, 1))
    ids = rng.integers(1, V, (80, 9)) * (np.arange(9) < lengths)
    return ids.astype("int32")


def test_keeps_the_layer_contract(check_layer, random_ids):
    layer = make(random_ids, dropout=0.0)
    check_layer(layer, {"token_ids": random_ids})


def test_the_keys_are_those_of_n_grams_that_occur_often_enough():
    known = known_of(TOKENS)
    words, pairs, triples = count_ngrams(TOKENS, V)
    assert known[: len(words)] == [(2,), (3,), (4,), (6,)]
    assert known[len(words) :] == [(2, 3), (3, 4), (2, 3, 4)]
    assert words.tolist() == [2, 3, 4, 6]
    assert pairs.tolist() == [1 * V + 3, 2 * V + 4]  # after words 1 and 2
    assert triples.tolist() == [1 * V + 4]  # after pair 1


def test_a_lower_count_knows_more(random_ids):
    for min_count in (1, 2, 5):
        found = count_ngrams(random_ids, V, min_count)
        known = known_of(random_ids, min_count)
        lengths = collections.Counter(map(len, known))
        assert [len(keys) for keys in found] == [lengths[n] for n in (1, 2, 3)]
        for keys in found:
            assert keys.dtype == "int32" and (np.diff(keys) > 0).all()


@pytest.mark.parametrize("seen", [TOKENS[:2], TOKENS[3:]])
def test_the_output_is_a_product_with_a_multi_hot_vector(seen, random_ids):
    train = np.concatenate([seen] * 3)
    for layer, known in (
        (make(train), known_of(train)),
        (make(random_ids), known_of(random_ids)),
    ):
        output = ops.convert_to_numpy(layer(TOKENS))
        np.testing.assert_allclose(
            output, expected(layer, known, TOKENS), atol=1e-5
        )
        assert (output[-1] == 0).all()


@pytest.mark.parametrize("num_words", [1, 2])
def test_short_questions_have_shorter_n_grams_only(random_ids, num_words):
    layer, known = make(random_ids), known_of(random_ids)
    short = random_ids[:, :num_words]
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(short)),
        expected(layer, known, short),
        atol=1e-5,
    )


def test_more_padding_has_no_influence(random_ids):
    layer = make(random_ids)
    padded = np.pad(random_ids, [(0, 0), (0, 4)])
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(padded)),
        ops.convert_to_numpy(layer(random_ids)),
        atol=1e-6,
    )


def test_it_starts_at_zero_and_the_gradient_reaches_known_rows(random_ids):
    layer = NgramDense(4, V, count_ngrams(TOKENS, V), dropout=0.0)
    model = keras.Sequential([keras.Input((None,), dtype="int32"), layer])
    assert (model.predict(TOKENS, verbose=0) == 0).all()
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch(TOKENS[:2], np.ones((2, 4)))
    moved = ops.convert_to_numpy(layer.kernel).any(axis=-1)
    # Row 0, of unknown n-grams, and that of the word 6, which is not there.
    assert moved.tolist() == [False, *[True] * 3, False, *[True] * 3]
    assert [ops.convert_to_numpy(k)[0] for k in layer.keys] == [0, 0, 0]


def test_dropout_acts_on_whole_n_grams_in_training_only(random_ids):
    keras.utils.set_random_seed(0)
    layer = make(random_ids, dropout=0.5)
    one = np.repeat([[6, 0, 0]], 400, axis=0).astype("int32")
    output = ops.convert_to_numpy(layer(one, training=True))
    kept = ops.convert_to_numpy(layer(one[:1]))[0]
    dropped = (output == 0).all(axis=-1)
    assert 0.35 < dropped.mean() < 0.65
    np.testing.assert_allclose(
        output[~dropped], np.tile(2 * kept, (sum(~dropped), 1)), rtol=1e-5
    )


def test_a_layer_without_known_n_grams_gives_zeros():
    layer = NgramDense(4, V)
    assert (ops.convert_to_numpy(layer(TOKENS)) == 0).all()
    assert [len(k) for k in count_ngrams(TOKENS[:0], V)] == [0, 0, 0]


@pytest.mark.parametrize("ngrams", [True, (1, 2), 3, np.zeros((3, 2))])
def test_other_ngrams_than_three_are_refused(ngrams):
    with pytest.raises(ValueError, match="`ngrams` must be the three arrays"):
        NgramDense(4, V, ngrams)


def test_keys_that_overflow_are_refused():
    NgramDense(4, 2**15, (2**16 - 1, 0, 0))  # the largest key is 2**31 - 1
    for ngrams in ((2**16, 0, 0), (0, 2**16, 0)):
        with pytest.raises(ValueError, match="must be at most 2147483647"):
            NgramDense(4, 2**15, ngrams)
    NgramDense(4, 2**15, (0, 0, 2**16))  # no key starts with a triple
