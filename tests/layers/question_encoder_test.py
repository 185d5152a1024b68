import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import QuestionEncoder

# Three words, one word, none, as many as there is room for.
TOKEN_IDS = np.array(
    [[4, 2, 7, 0, 0], [3, 0, 0, 0, 0], [0] * 5, [1, 5, 5, 6, 2]], "int32"
)


def encode(layer, token_ids, **kwargs):
    outputs = layer(np.asarray(token_ids, "int32"), **kwargs)
    return [ops.convert_to_numpy(t) for t in outputs]


@pytest.fixture
def encoder():
    """An encoder of width 6 with random weights, biases included."""
    layer = QuestionEncoder(vocabulary_size=9, embedding_dim=3, hidden_dim=6)
    layer.build((None, 5))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_states(lstm, vectors):
    """Every hidden state of a Keras LSTM (gates i, f, c, o), by a loop."""
    kernel, recurrent_kernel, bias = lstm.get_weights()
    h = c = np.zeros(recurrent_kernel.shape[0])
    states = []
    for vector in vectors:
        gates = vector @ kernel + h @ recurrent_kernel + bias
        i, f, candidate, o = np.split(gates, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.array(states)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_keeps_the_layer_contract(check_layer, bidirectional):
    layer = QuestionEncoder(9, 3, 6, dropout=0.25, bidirectional=bidirectional)
    check_layer(layer, {"token_ids": TOKEN_IDS})


def test_one_direction_is_the_lstm_of_the_real_words():
    layer = QuestionEncoder(9, 3, 5, bidirectional=False)
    question, words, _ = encode(layer, TOKEN_IDS)
    (embeddings,) = layer.word_embedding.get_weights()
    for b, ids in enumerate(TOKEN_IDS):
        ids = ids[ids != 0]
        states = lstm_states(layer.forward_lstm, embeddings[ids])
        np.testing.assert_allclose(words[b, len(ids) :], 0)
        if len(ids):
            np.testing.assert_allclose(words[b, : len(ids)], states, atol=1e-5)
            np.testing.assert_allclose(question[b], states[-1], atol=1e-5)
        else:
            assert (question[b] == 0).all()


def test_matches_an_lstm_over_the_real_words_only(encoder):
    question, words, words_mask = encode(encoder, TOKEN_IDS)
    (embeddings,) = encoder.word_embedding.get_weights()
    for b, ids in enumerate(TOKEN_IDS):
        ids = ids[ids != 0]
        if not len(ids):
            continue
        forward = lstm_states(encoder.forward_lstm, embeddings[ids])
        backward = lstm_states(encoder.backward_lstm, embeddings[ids[::-1]])
        expected = np.concatenate([forward, backward[::-1]], axis=-1)
        np.testing.assert_allclose(words[b, : len(ids)], expected, atol=1e-5)
        np.testing.assert_allclose(
            question[b], np.concatenate([forward[-1], backward[-1]]), atol=1e-5
        )
        assert words_mask[b].tolist() == [1] * len(ids) + [0] * (5 - len(ids))


def test_agrees_with_the_bidirectional_layer_of_keras(encoder):
    reference = keras.layers.Bidirectional(
        keras.layers.LSTM(3, return_sequences=True)
    )
    reference.build((None, 5, 3))
    reference.set_weights(
        encoder.forward_lstm.get_weights() + encoder.backward_lstm.get_weights()
    )
    embedded = encoder.word_embedding(TOKEN_IDS)
    expected = ops.convert_to_numpy(reference(embedded, mask=TOKEN_IDS != 0))
    _, words, mask = encode(encoder, TOKEN_IDS)
    np.testing.assert_allclose(words[mask == 1], expected[mask == 1], atol=1e-5)


@pytest.mark.parametrize("extra", [1, 7])
def test_more_padding_changes_nothing(encoder, extra):
    question, words, mask = encode(encoder, TOKEN_IDS)
    longer = np.pad(TOKEN_IDS, [(0, 0), (0, extra)])
    again, longer_words, longer_mask = encode(encoder, longer)
    np.testing.assert_allclose(again, question, atol=1e-5)
    np.testing.assert_allclose(longer_words[:, :5], words, atol=1e-5)
    assert (longer_words[:, 5:] == 0).all()
    assert (longer_mask[:, :5] == mask).all()
    assert not longer_mask[:, 5:].any()


def test_embedding_of_padding_has_no_influence(encoder):
    question, words, _ = encode(encoder, TOKEN_IDS)
    (embeddings,) = encoder.word_embedding.get_weights()
    embeddings = embeddings.copy()
    embeddings[0] = 1e3
    encoder.word_embedding.set_weights([embeddings])
    again, same_words, _ = encode(encoder, TOKEN_IDS)
    np.testing.assert_allclose(again, question, atol=1e-5)
    np.testing.assert_allclose(same_words, words, atol=1e-5)


def test_question_does_not_depend_on_its_neighbors(encoder):
    question, words, _ = encode(encoder, TOKEN_IDS)
    alone, alone_words, _ = encode(encoder, TOKEN_IDS[:1, :3])
    np.testing.assert_allclose(alone, question[:1], atol=1e-5)
    np.testing.assert_allclose(alone_words, words[:1, :3], atol=1e-5)


@pytest.mark.parametrize(
    "policy", ["float32", "mixed_bfloat16", "mixed_float16"]
)
def test_words_are_zero_at_padding(policy):
    layer = QuestionEncoder(9, embedding_dim=3, hidden_dim=6, dtype=policy)
    question, words, mask = layer(TOKEN_IDS)
    words = ops.convert_to_numpy(ops.cast(words, "float32"))
    assert (words[TOKEN_IDS == 0] == 0).all()
    assert (np.abs(words[TOKEN_IDS != 0]).sum(axis=-1) > 0).all()
    assert keras.backend.standardize_dtype(mask.dtype) == "int32"
    question = ops.convert_to_numpy(ops.cast(question, "float32"))
    assert (question[2] == 0).all()
    assert np.isfinite(question).all()


@pytest.mark.slow
def test_question_without_words_gives_zeros_and_finite_gradients(encoder):
    question, words, mask = encode(encoder, np.zeros((2, 5)))
    assert not question.any() and not words.any() and not mask.any()

    inputs = keras.Input((5,), dtype="int32")
    model = keras.Model(inputs, encoder(inputs)[:2])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss=["mse", "mse"])
    before = [np.array(w) for w in encoder.get_weights()]
    ids = np.zeros((2, 5), "int32")
    loss = model.train_on_batch(ids, [np.ones((2, 6)), np.ones((2, 5, 6))])
    assert np.isfinite(loss).all()
    for weight, old in zip(encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_order_of_words_matters(encoder):
    question, _, _ = encode(encoder, [[4, 2, 7, 0, 0]])
    other, _, _ = encode(encoder, [[7, 2, 4, 0, 0]])
    assert np.abs(question - other).max() > 1e-2


def test_one_model_reads_questions_of_any_length(encoder):
    inputs = keras.Input((None,), dtype="int32")
    model = keras.Model(inputs, encoder(inputs))
    assert model.outputs[1].shape == (None, None, 6)
    expected, _, _ = encode(encoder, TOKEN_IDS[:1])
    for width in (3, 8):
        ids = np.zeros((1, width), "int32")
        ids[0, :3] = TOKEN_IDS[0, :3]
        question, _, _ = model.predict_on_batch(ids)
        np.testing.assert_allclose(question, expected, atol=1e-5)


def test_dropout_acts_in_training_only():
    layer = QuestionEncoder(9, embedding_dim=3, hidden_dim=6, dropout=0.5)
    question, _, _ = encode(layer, TOKEN_IDS)
    again, _, _ = encode(layer, TOKEN_IDS)
    dropped, words, _ = encode(layer, TOKEN_IDS, training=True)
    np.testing.assert_array_equal(again, question)
    assert np.abs(dropped - question).max() > 1e-3
    assert (words[TOKEN_IDS == 0] == 0).all()


def test_parameters_are_those_of_an_embedding_and_two_lstms():
    layer = QuestionEncoder(9, embedding_dim=3, hidden_dim=6)
    layer.build((None, 5))
    one_direction = 4 * 3 * (3 + 3 + 1)
    assert layer.count_params() == 9 * 3 + 2 * one_direction


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden_dim": 7}, "`hidden_dim` must be even.* Received: 7"),
        ({"hidden_dim": 0}, "`hidden_dim` must.* at least 1. Received: 0"),
        ({"embedding_dim": 0}, "`embedding_dim` must.* Received: 0"),
        ({"vocabulary_size": 1}, "`vocabulary_size` must.* Received: 1"),
        ({"dropout": 1.0}, r"`dropout` must be in \[0, 1\). Received: 1.0"),
        ({"dropout": -0.1}, r"`dropout` must be in \[0, 1\). Received: -0.1"),
    ],
)
def test_rejects_impossible_arguments(arguments, message):
    good = {"vocabulary_size": 9, "embedding_dim": 3, "hidden_dim": 6}
    with pytest.raises(ValueError, match=message):
        QuestionEncoder(**good | arguments)


def test_rejects_a_single_question_without_a_batch():
    layer = QuestionEncoder(9, embedding_dim=3, hidden_dim=6)
    with pytest.raises(ValueError, match=r"Received: token_ids.shape=\(5,\)"):
        layer(TOKEN_IDS[0])
