import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.masked_layer import MaskedLayer
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.layers.zero_padding import remove_padding
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class WordEncoder(MaskedLayer):
    """Encodes words without context; the question is their mean.

        words_n  = dropout(tanh(embedding(token_n)))
        question = mean_n words_n

    It has the contract of `QuestionEncoder` but ignores the order of the words,
    which `PhraseEncoder` can add.

    Args:
        vocabulary_size: int. Number of token ids, padding included.
        hidden_dim: int. Width D of a word's embedding.
        dropout: float. Fraction of the words' units to drop in training.
            Defaults to 0.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        token_ids: int, `(B, N)`, 0 at padding.
        token_ids_mask: optional bool or int, `(B, N)`, 0 at further padding.
            Defaults to the Keras mask attached to `token_ids`.

    Returns:
        question: `(B, D)`, zeros for a question without a word.
        words: `(B, N, D)`, zeros at padding.
        words_mask: int32, `(B, N)`, 1 at words and 0 at padding.

    Raises:
        ValueError: if a size is too small.

    Example:
    ```python
    token_ids = keras.ops.array([[3, 8, 5, 2], [4, 2, 0, 0]])
    encoder = vqa_keras.layers.WordEncoder(vocabulary_size=10, hidden_dim=64)
    question, words, words_mask = encoder(token_ids)
    print(question.shape, words.shape)  # (2, 64) (2, 4, 64)
    ```

    Reference:
        [Lu et al., 2016](https://arxiv.org/abs/1606.00061), the word level.
    """

    keeps = (None, "token_ids")

    def __init__(self, vocabulary_size, hidden_dim, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        check_size("vocabulary_size", vocabulary_size, minimum=2)
        check_size("hidden_dim", hidden_dim)
        self.vocabulary_size = vocabulary_size
        self.hidden_dim = hidden_dim
        self.dropout = dropout
        self.word_embedding = keras.layers.Embedding(
            vocabulary_size,
            hidden_dim,
            # As in `QuestionEncoder`, which has the reason.
            embeddings_initializer=keras.initializers.RandomUniform(-0.5, 0.5),
            dtype=self.dtype_policy,
            name="word_embedding",
        )
        self.word_dropout = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy, name="word_dropout"
        )

    def build(self, token_ids_shape):
        self.word_embedding.build(token_ids_shape)

    def call(self, token_ids, token_ids_mask=None):
        token_ids = remove_padding(token_ids, token_ids_mask)
        words_mask = ops.cast(ops.not_equal(token_ids, 0), "int32")
        words = self.word_dropout(ops.tanh(self.word_embedding(token_ids)))
        words = zero_padding(words, words_mask)  # (B, N, D)
        question = ops.cast(masked_mean(words, words_mask), words.dtype)
        return question, words, words_mask

    def compute_output_spec(self, token_ids, token_ids_mask=None):
        batch, num_words = token_ids.shape
        return (
            keras.KerasTensor((batch, self.hidden_dim), self.compute_dtype),
            keras.KerasTensor(
                (batch, num_words, self.hidden_dim), self.compute_dtype
            ),
            keras.KerasTensor((batch, num_words), "int32"),
        )

    def compute_output_shape(self, token_ids_shape):
        batch, num_words = token_ids_shape
        return (
            (batch, self.hidden_dim),
            (batch, num_words, self.hidden_dim),
            (batch, num_words),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout,
        }
