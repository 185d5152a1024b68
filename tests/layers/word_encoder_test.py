import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import WordEncoder

TOKEN_IDS = np.array([[2, 3, 4, 0], [1, 0, 0, 0], [0, 0, 0, 0]], "int32")


def encode(layer, token_ids=TOKEN_IDS):
    return [ops.convert_to_numpy(t) for t in layer(token_ids)]


def test_keeps_the_layer_contract(check_layer):
    check_layer(WordEncoder(5, 6, dropout=0.0), {"token_ids": TOKEN_IDS})


def test_words_are_their_embeddings_and_the_question_their_mean():
    layer = WordEncoder(5, 6)
    question, words, mask = encode(layer)
    (table,) = layer.get_weights()
    expected = np.tanh(table[TOKEN_IDS]) * (TOKEN_IDS > 0)[..., None]
    np.testing.assert_allclose(words, expected, atol=1e-6)
    np.testing.assert_allclose(question[0], expected[0].sum(0) / 3, atol=1e-6)
    np.testing.assert_allclose(question[1], expected[1, 0], atol=1e-6)
    np.testing.assert_array_equal(question[2], np.zeros(6))
    np.testing.assert_array_equal(mask, TOKEN_IDS > 0)


def test_order_and_padding_have_no_influence_on_the_question():
    layer = WordEncoder(5, 6)
    question, *_ = encode(layer)
    other = np.array([[4, 2, 3, 0, 0], [1] + [0] * 4, [0] * 5], "int32")
    np.testing.assert_allclose(encode(layer, other)[0], question, atol=1e-6)


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="`vocabulary_size`.* Received: 1"):
        WordEncoder(1, 6)
    with pytest.raises(ValueError, match="`hidden_dim` must.* Received: 0"):
        WordEncoder(5, 0)
