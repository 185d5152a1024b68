import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import PhraseEncoder

MASK = np.array([[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], "int32")


@pytest.fixture
def words():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 4, 5)).astype("float32")


@pytest.fixture
def layer():
    """A layer of width 6 with random weights, biases included."""
    layer = PhraseEncoder(6, name="phrases")
    layer.build((None, 4, 5))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(0, 0.3, w.shape) for w in layer.weights])
    return layer


def encode(layer, words, mask=None):
    return ops.convert_to_numpy(layer(words, words_mask=mask))


def expected_by_loops(layer, words):
    """The phrases of one question's real words."""
    weights = {
        w.path.removeprefix("phrases/"): ops.convert_to_numpy(w)
        for w in layer.weights
    }
    phrases = []
    for n in range(len(words)):
        n_grams = []
        for name, positions in [
            ("unigram", [n]),
            ("bigram", [n, n + 1]),
            ("trigram", [n - 1, n, n + 1]),
        ]:
            n_gram = np.array(weights[f"{name}/bias"], "float64")
            for i, position in enumerate(positions):
                if 0 <= position < len(words):
                    n_gram += words[position] @ weights[f"{name}/kernel"][i]
            n_grams.append(np.tanh(n_gram))
        phrases.append(np.max(n_grams, axis=0))
    return np.array(phrases)


def test_keeps_the_layer_contract(check_layer, words):
    inputs = {"words": words, "words_mask": MASK}
    check_layer(PhraseEncoder(6), inputs)


def test_keeps_the_layer_contract_without_a_mask(check_layer, words):
    check_layer(PhraseEncoder(6), {"words": words})


def test_matches_the_published_formula(layer, words):
    phrases = encode(layer, words, MASK)
    for b in (0, 2):
        count = MASK[b].sum()
        expected = expected_by_loops(layer, words[b, :count])
        np.testing.assert_allclose(phrases[b, :count], expected, atol=1e-5)


def test_every_kind_of_phrase_wins_somewhere(layer, words):
    phrases = encode(layer, words)
    for convolution in (layer.unigram, layer.bigram, layer.trigram):
        n_grams = np.tanh(ops.convert_to_numpy(convolution(words)))
        assert np.isclose(phrases, n_grams, atol=1e-6).any()


@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(layer, words, dtype):
    phrases = encode(layer, words, MASK.astype(dtype))
    longer = np.pad(words, ((0, 0), (0, 2), (0, 0)))
    mask = np.pad(MASK, ((0, 0), (0, 2))).astype(dtype)
    longer[mask == 0] = 1e3
    again = encode(layer, longer, mask)
    np.testing.assert_allclose(again[:, :4], phrases, atol=1e-5)
    assert (again[mask == 0] == 0).all()


def test_padding_of_nan_has_no_influence(layer, words):
    phrases = encode(layer, words, MASK)
    words[MASK == 0] = np.nan
    np.testing.assert_array_equal(encode(layer, words, MASK), phrases)


def test_takes_the_mask_attached_to_the_words_and_hands_it_on(layer, words):
    expected = encode(layer, words, MASK)
    masked = keras.layers.Masking()(words * MASK[..., None])
    phrases = layer(masked)
    np.testing.assert_allclose(
        ops.convert_to_numpy(phrases), expected, atol=1e-6
    )
    np.testing.assert_array_equal(
        ops.convert_to_numpy(phrases._keras_mask), MASK == 1
    )


def test_parameters_are_those_of_three_convolutions(layer):
    assert layer.count_params() == (1 + 2 + 3) * 5 * 6 + 3 * 6


def test_weight_paths_name_the_n_gram(layer):
    assert [w.path for w in layer.weights] == [
        f"phrases/{name}/{part}"
        for name in ("unigram", "bigram", "trigram")
        for part in ("kernel", "bias")
    ]


def test_rejects_what_it_cannot_use(words):
    with pytest.raises(ValueError, match="`hidden_dim` must.* Received: 0"):
        PhraseEncoder(0)
    with pytest.raises(ValueError, match="words, features.* Received"):
        PhraseEncoder(6)(words[0])
