import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.masked_layer import MaskedLayer
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class PhraseEncoder(MaskedLayer):
    """Encodes the phrase at each word by the maximum of three convolutions.

        unigram_n = W_1 word_n + b_1
        bigram_n  = W_2 [word_n; word_{n+1}] + b_2
        trigram_n = W_3 [word_{n-1}; word_n; word_{n+1}] + b_3
        phrase_n  = tanh(max(unigram_n, bigram_n, trigram_n))

    The maximum is taken per unit; tanh is monotone, so its order with the
    maximum does not matter. A word beyond an end of the question is zero.

    Args:
        hidden_dim: int. Width D of the phrases.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        words: word embeddings, `(B, N, D_W)`.
        words_mask: optional bool or int, `(B, N)`, 0 at padding. Defaults to
            the Keras mask attached to `words`, which the phrases keep.

    Returns:
        phrases: `(B, N, D)`, zeros at padding.

    Raises:
        ValueError: if `hidden_dim < 1`, `words` is not of rank 3, or the mask
            has another shape.

    Departure from the paper: none in the formula. As in the released code, the
    trigram is centered on its word and the bigram begins there.

    Example:
    ```python
    words = keras.random.normal((2, 8, 64))
    phrases = vqa_keras.layers.PhraseEncoder(hidden_dim=64)(words)
    print(phrases.shape)  # (2, 8, 64)
    ```

    Reference:
        [Lu et al., 2016](https://arxiv.org/abs/1606.00061).
    """

    keeps = ("words",)

    def __init__(self, hidden_dim, **kwargs):
        super().__init__(**kwargs)
        check_size("hidden_dim", hidden_dim)
        self.hidden_dim = hidden_dim
        self.unigram, self.bigram, self.trigram = (
            keras.layers.Conv1D(
                hidden_dim,
                num_words,
                padding="same",
                dtype=self.dtype_policy,
                name=name,
            )
            for num_words, name in enumerate(
                ("unigram", "bigram", "trigram"), start=1
            )
        )

    def build(self, words_shape):
        if len(words_shape) != 3:
            raise ValueError(
                "`words` must have shape (batch, words, features). "
                f"Received: words.shape={words_shape}"
            )
        self.unigram.build(words_shape)
        self.bigram.build(words_shape)
        self.trigram.build(words_shape)

    def call(self, words, words_mask=None):
        words = zero_padding(words, words_mask, "words_mask")
        pairs = ops.maximum(self.unigram(words), self.bigram(words))
        phrases = ops.tanh(ops.maximum(pairs, self.trigram(words)))
        return zero_padding(phrases, words_mask)  # (B, N, D)

    def compute_output_shape(self, words_shape):
        return (*words_shape[:-1], self.hidden_dim)

    def get_config(self):
        return {**super().get_config(), "hidden_dim": self.hidden_dim}
