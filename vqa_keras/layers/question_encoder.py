import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.masked_layer import MaskedLayer
from vqa_keras.layers.take_positions import take_positions
from vqa_keras.layers.zero_padding import remove_padding
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class QuestionEncoder(MaskedLayer):
    """Encodes a question by word embeddings and a bidirectional LSTM.

        forward_n  = LSTM_f(word_1, ..., word_n)
        backward_n = LSTM_b(word_last, ..., word_n)
        words_n    = [forward_n; backward_n]
        question   = [forward_last; backward_1]

    `last` is the last word of each question. Neither LSTM needs a mask: the
    backward one runs over each question reversed within its own length, so
    padding follows the words in both and reaches no state in use. Questions
    without a word are therefore safe, and cuDNN remains usable.

    Args:
        vocabulary_size: int. Number of token ids, padding included.
        embedding_dim: int. Width of a word's embedding.
        hidden_dim: int. Width D of the output; even, half for each direction.
        dropout: float. Fraction of the embeddings' units to drop in training.
            Defaults to 0.
        bidirectional: bool. If `False`, a single forward LSTM has `hidden_dim`
            units, `words_n = forward_n` and `question = forward_last`. Defaults
            to `True`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        token_ids: int, `(B, N)`, 0 at padding, which follows the words.
        token_ids_mask: optional bool or int, `(B, N)`, 0 at further padding
            behind the words. Defaults to the Keras mask attached to
            `token_ids`.

    Returns:
        question: `(B, D)`, zeros for a question without a word.
        words: `(B, N, D)`, zeros at padding.
        words_mask: int32, `(B, N)`, 1 at words and 0 at padding.

    Raises:
        ValueError: if a size is too small, `hidden_dim` is odd, `dropout` is
            outside [0, 1) or `token_ids` is not of rank 2.

    Example:
    ```python
    token_ids = keras.ops.array([[3, 8, 5, 2], [4, 2, 0, 0]])
    encoder = vqa_keras.layers.QuestionEncoder(
        vocabulary_size=10, embedding_dim=16, hidden_dim=64
    )
    question, words, words_mask = encoder(token_ids)
    print(question.shape, words.shape)  # (2, 64) (2, 4, 64)
    ```

    Reference:
        [Hochreiter and Schmidhuber, 1997](
        https://doi.org/10.1162/neco.1997.9.8.1735).
    """

    keeps = (None, "token_ids")

    def __init__(
        self,
        vocabulary_size,
        embedding_dim,
        hidden_dim,
        dropout=0.0,
        bidirectional=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_size("vocabulary_size", vocabulary_size, minimum=2)
        check_size("embedding_dim", embedding_dim)
        check_size("hidden_dim", hidden_dim)
        if bidirectional and hidden_dim % 2:
            raise ValueError(
                "`hidden_dim` must be even, half for each direction. "
                f"Received: {hidden_dim}"
            )
        if not 0 <= dropout < 1:
            raise ValueError(
                f"`dropout` must be in [0, 1). Received: {dropout}"
            )
        self.vocabulary_size = vocabulary_size
        self.embedding_dim = embedding_dim
        self.hidden_dim = hidden_dim
        self.dropout = dropout
        self.bidirectional = bidirectional
        dtype = self.dtype_policy
        self.word_embedding = keras.layers.Embedding(
            vocabulary_size,
            embedding_dim,
            # Ten times the default of Keras, as in the released code of Yang
            # et al., 2016: tiny embeddings make all words nearly equal inputs.
            embeddings_initializer=keras.initializers.RandomUniform(-0.5, 0.5),
            dtype=dtype,
            name="word_embedding",
        )
        self.word_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="word_dropout"
        )
        units = hidden_dim // 2 if bidirectional else hidden_dim
        self.forward_lstm = keras.layers.LSTM(
            units, return_sequences=True, dtype=dtype, name="forward_lstm"
        )
        if bidirectional:
            self.backward_lstm = keras.layers.LSTM(
                units, return_sequences=True, dtype=dtype, name="backward_lstm"
            )

    def build(self, token_ids_shape):
        if len(token_ids_shape) != 2:
            raise ValueError(
                "`token_ids` must have shape (batch, words). "
                f"Received: token_ids.shape={token_ids_shape}"
            )
        self.word_embedding.build(token_ids_shape)
        embedded_shape = (*token_ids_shape, self.embedding_dim)
        self.forward_lstm.build(embedded_shape)
        if self.bidirectional:
            self.backward_lstm.build(embedded_shape)

    def call(self, token_ids, token_ids_mask=None):
        token_ids = remove_padding(token_ids, token_ids_mask)
        words_mask = ops.cast(ops.not_equal(token_ids, 0), "int32")  # (B, N)
        length = ops.sum(words_mask, axis=1, keepdims=True)  # (B, 1)
        embedded = self.word_dropout(self.word_embedding(token_ids))

        words = self.forward_lstm(embedded)  # (B, N, D / 2), or D alone
        question = take_positions(words, ops.maximum(length - 1, 0))[:, 0]
        if self.bidirectional:
            swap = _reversal(words_mask, length)
            backward = self.backward_lstm(take_positions(embedded, swap))
            backward = take_positions(backward, swap)  # its own inverse
            words = ops.concatenate([words, backward], axis=-1)
            question = ops.concatenate([question, backward[:, 0]], axis=-1)
        question = ops.where(length > 0, question, 0.0)
        return question, zero_padding(words, words_mask), words_mask

    def compute_output_shape(self, token_ids_shape):
        batch, num_words = token_ids_shape
        return (
            (batch, self.hidden_dim),
            (batch, num_words, self.hidden_dim),
            (batch, num_words),
        )

    def compute_output_spec(self, token_ids, token_ids_mask=None):
        question, words, mask = self.compute_output_shape(token_ids.shape)
        return (
            KerasTensor(question, dtype=self.compute_dtype),
            KerasTensor(words, dtype=self.compute_dtype),
            KerasTensor(mask, dtype="int32"),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "embedding_dim": self.embedding_dim,
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout,
            "bidirectional": self.bidirectional,
        }


def _reversal(words_mask, length):
    """Returns positions that reverse the first `length` words, `(B, N)`."""
    position = ops.cumsum(ops.ones_like(words_mask), axis=1) - 1  # (B, N)
    return ops.where(position < length, length - 1 - position, position)
