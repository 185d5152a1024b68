"""`conditions_test.py` has the masks of every layer."""

import keras
import numpy as np
from keras import ops

from vqa_keras.layers import InterModalityAttention
from vqa_keras.layers import PhraseEncoder
from vqa_keras.layers.keras_mask import get_keras_mask
from vqa_keras.layers.keras_mask import set_keras_mask

IDS = np.array([[3, 1, 2, 0], [4, 0, 0, 0]], "int32")
MASK = IDS != 0


def embedded():
    return keras.layers.Embedding(5, 6, mask_zero=True)(IDS)


def test_the_mask_of_an_embedding_reaches_two_layers():
    encoder = PhraseEncoder(6)
    phrases = encoder(encoder(embedded()))
    np.testing.assert_array_equal(
        ops.convert_to_numpy(get_keras_mask(phrases)), MASK
    )
    assert (ops.convert_to_numpy(phrases)[~MASK] == 0).all()


def test_a_mask_passed_by_position_takes_precedence():
    other = np.array([[1, 0, 0, 0], [1, 1, 0, 0]], "int32")
    words, encoder = embedded(), PhraseEncoder(6)
    phrases = encoder(words, ops.convert_to_tensor(other))
    np.testing.assert_array_equal(
        ops.convert_to_numpy(get_keras_mask(phrases)), other == 1
    )
    np.testing.assert_array_equal(
        ops.convert_to_numpy(encoder(words, None)),
        ops.convert_to_numpy(encoder(words)),
    )


def test_without_an_attached_mask_none_is_passed_on():
    phrases = PhraseEncoder(6)(np.ones((2, 4, 6), "float32"), words_mask=MASK)
    assert get_keras_mask(phrases) is None


def test_a_functional_model_uses_and_passes_on_both_masks():
    ids = keras.Input((4,), dtype="int32")
    regions = keras.Input((3, 6))
    words = keras.layers.Embedding(5, 6, mask_zero=True)(ids)
    masked = keras.layers.Masking()(regions)
    layer = InterModalityAttention(2)
    outputs, (to_regions, _) = layer(words, masked)
    for output in outputs:
        assert get_keras_mask(output) is not None
    assert get_keras_mask(to_regions) is None
    model = keras.Model([ids, regions], [*outputs, to_regions])
    image = np.ones((2, 3, 6), "float32")
    image[:, 2] = 0.0
    new_words, new_regions, weights = model.predict_on_batch([IDS, image])
    assert (new_words[~MASK] == 0).all()
    assert (new_regions[:, 2] == 0).all()
    assert (weights[..., 2] == 0).all()


def test_compute_mask_is_that_of_the_first_input():
    words = embedded()
    mask = ops.convert_to_tensor(MASK)
    assert PhraseEncoder(6).compute_mask(words, mask) is mask
    assert InterModalityAttention(2).compute_mask(words, mask) == (mask, None)


def test_a_mask_survives_the_conversion_of_the_input():
    words = ops.cast(np.ones((2, 4, 6)), "float32")
    set_keras_mask(words, ops.convert_to_tensor(MASK))
    phrases = PhraseEncoder(6, dtype="mixed_bfloat16")(words)
    assert get_keras_mask(phrases) is not None
