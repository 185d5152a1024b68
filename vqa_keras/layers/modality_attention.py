import keras

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attend_in_heads import attend_in_heads
from vqa_keras.layers.attend_in_heads import pairs_mask
from vqa_keras.layers.attention_layer import AttentionLayer


class ModalityAttention(AttentionLayer):
    """Base class of `InterModalityAttention` and `IntraModalityAttention`.

    Makes the maps of words and regions to queries, keys and values, and
    computes attention in heads, whose results are concatenated to width D. A
    subclass, whose docstring has the call arguments, adds its other maps in
    `build`.

    Args:
        num_heads: int. Number of heads, a divisor of the width D. Defaults to
            8.
        **kwargs: passed to `keras.layers.Layer`.
    """

    def __init__(self, num_heads=8, **kwargs):
        super().__init__(**kwargs)
        check_size("num_heads", num_heads)
        self.num_heads = num_heads

    def build(self, words_shape, regions_shape):
        self.check_rank("words", words_shape, "batch", "words", "features")
        self.check_rank(
            "regions", regions_shape, "batch", "regions", "features"
        )
        dim = words_shape[-1]
        if dim != regions_shape[-1] or dim % self.num_heads:
            raise ValueError(
                "`words` and `regions` must have the same width, which "
                f"`num_heads` divides. Received: num_heads={self.num_heads}, "
                f"words.shape={words_shape}, regions.shape={regions_shape}"
            )
        self.words_query = self.dense("words_query", dim)
        self.words_key = self.dense("words_key", dim)
        self.words_value = self.dense("words_value", dim)
        self.regions_query = self.dense("regions_query", dim)
        self.regions_key = self.dense("regions_key", dim)
        self.regions_value = self.dense("regions_value", dim)

    def dense(self, name, dim, input_dim=None, activation=None):
        """Returns a built dense layer of `dim` units."""
        dense = keras.layers.Dense(
            dim, activation=activation, dtype=self.dtype_policy, name=name
        )
        dense.build((None, None, input_dim or dim))
        return dense

    def attend(self, queries, keys, values, query_mask, context_mask):
        """Returns `attend_in_heads` over the pairs of valid positions."""
        mask = pairs_mask(query_mask, context_mask)
        return attend_in_heads(
            queries, keys, values, self.num_heads, self.softmax, mask
        )

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads}
