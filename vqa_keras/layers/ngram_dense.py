import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.at_least_float32 import at_least_float32
from vqa_keras.layers.masked_layer import MaskedLayer
from vqa_keras.layers.zero_padding import remove_padding

_LARGEST = 2**31 - 1  # int32, which searchsorted takes on every backend


@keras.saving.register_keras_serializable(package="vqa_keras")
class NgramDense(MaskedLayer):
    """Maps the words, pairs and triples of words of a question linearly.

        x      = multi-hot of the question's known n-grams, n = 1, 2, 3
        output = W dropout(x / |x|)                          W from zero

    An n-gram is known if it is in `ngrams`; an n-gram that a question repeats
    counts once. Beside the head of a `VQA`, W x answers what the words alone
    decide. Measured on 6,095 questions about photographs: `stacked` 24.62 with
    it, 23.15 without (three seeds, paired +1.47 +- 0.29).

    A known n-gram is its row of W, numbered from 1 within its n. Its key,
    `row of its first n - 1 words * vocabulary_size + its last id`, is looked up
    by binary search in the sorted keys, so that no two n-grams collide. The
    keys are weights: a saved layer has its n-grams.

    Args:
        units: int. Width A of the output.
        vocabulary_size: int. Number of token ids V, padding included.
        ngrams: the known n-grams as `text.count_ngrams` returns them; or their
            three numbers, as in the config, for keys that are loaded. Defaults
            to none.
        dropout: float. Fraction of a question's n-grams to drop in training.
            Defaults to 0.3.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        token_ids: int, `(B, N)`, 0 at padding, which is part of no n-gram.
        token_ids_mask: optional bool or int, `(B, N)`, 0 at further padding.
            Defaults to the Keras mask attached to `token_ids`.

    Returns:
        output: `(B, A)`, zeros for a question without a known n-gram.

    Raises:
        ValueError: if a size is too small, `ngrams` are not three, or they are
            too many for keys of int32.

    Example:
    ```python
    token_ids = keras.ops.array([[2, 3, 4], [2, 3, 0], [2, 3, 5]])
    ngrams = vqa_keras.text.count_ngrams(token_ids, vocabulary_size=6)
    layer = vqa_keras.layers.NgramDense(10, 6, ngrams)
    print(layer(token_ids).shape, layer.num_ngrams)  # (3, 10) (2, 1, 0)
    ```

    Reference:
        Ours.
    """

    def __init__(
        self, units, vocabulary_size, ngrams=(0, 0, 0), dropout=0.3, **kwargs
    ):
        super().__init__(**kwargs)
        check_size("units", units)
        check_size("vocabulary_size", vocabulary_size, minimum=2)
        if not isinstance(ngrams, (tuple, list)) or len(ngrams) != 3:
            raise ValueError(
                "`ngrams` must be the three arrays of `count_ngrams` or their "
                f"three lengths. Received: {ngrams}"
            )
        self.num_ngrams = tuple(
            keys if isinstance(keys, int) else len(keys) for keys in ngrams
        )
        check_keys(self.num_ngrams, vocabulary_size)
        self.units = units
        self.vocabulary_size = vocabulary_size
        self.dropout = dropout
        self._given = [
            None if isinstance(keys, int) else list(keys) for keys in ngrams
        ]
        self.ngram_dropout = keras.layers.Dropout(
            dropout, dtype=self.dtype_policy, name="ngram_dropout"
        )

    def build(self, token_ids_shape):
        # Key 0 and row 0 stand for all unknown n-grams.
        self.keys = [
            self.add_weight(
                shape=(1 + count,),
                initializer=_initializer(given),
                dtype="int32",
                trainable=False,
                autocast=False,
                name=f"keys_{n}",
            )
            for n, (count, given) in enumerate(
                zip(self.num_ngrams, self._given, strict=True), 1
            )
        ]
        self.kernel = self.add_weight(
            shape=(1 + sum(self.num_ngrams), self.units),
            initializer="zeros",
            name="kernel",
        )

    def call(self, token_ids, token_ids_mask=None, training=None):
        # Of each n-gram in the question one entry, at the first of equal rows;
        # unknown ones, row 0, come first and equal the zero before them.
        dtype = at_least_float32(self.compute_dtype)
        token_ids = remove_padding(token_ids, token_ids_mask)
        rows = ops.sort(self.rows(token_ids), axis=-1)  # (B, 3 N - 3)
        before = ops.pad(rows[:, :-1], [[0, 0], [1, 0]])
        present = ops.cast(ops.not_equal(rows, before), dtype)
        count = ops.sum(present, axis=-1, keepdims=True)
        x = present * ops.rsqrt(ops.maximum(count, 1.0))
        x = self.ngram_dropout(
            ops.cast(x, self.compute_dtype), training=training
        )
        # Gathers rows: (B, 3 N - 3, A) is 87 MB at B = 128, N = 20, A = 3,000.
        # A multi-hot product with 100,000 n-grams is 51 MB, but 77 GFLOPs for
        # the 44 MFLOPs of these rows.
        return ops.einsum("bk,bka->ba", x, ops.take(self.kernel, rows, axis=0))

    def rows(self, token_ids):
        """Returns the row of every n-gram, int32 `(B, 3 N - 3)`, or 0."""
        token_ids = ops.cast(token_ids, "int32")
        rows, before, found = [], 0, None
        for n, keys in enumerate(self.keys):
            last = token_ids[:, n:]  # (B, N - n)
            if found is None:
                found = _find(keys, last)
            else:  # a key of an unknown prefix is below V, a known one is not
                found = _find(keys, found[:, :-1] * self.vocabulary_size + last)
            rows.append(ops.where(found > 0, found + before, 0))
            before += self.num_ngrams[n]
        return ops.concatenate(rows, axis=1)

    def compute_output_shape(self, token_ids_shape):
        return token_ids_shape[0], self.units

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "vocabulary_size": self.vocabulary_size,
            "ngrams": list(self.num_ngrams),
            "dropout": self.dropout,
        }


def check_keys(num_ngrams, vocabulary_size):
    """Raises ValueError if the keys of three numbers of n-grams overflow."""
    largest = (max(num_ngrams[:2]) + 1) * vocabulary_size - 1
    if largest > _LARGEST:
        raise ValueError(
            f"The keys of `ngrams` must be at most {_LARGEST}; a higher "
            f"`min_count` makes them fewer. Received: {largest}, from "
            f"{num_ngrams} n-grams of {vocabulary_size} token ids"
        )


def _initializer(keys):
    if keys is None:
        return "zeros"
    return lambda shape, dtype: ops.convert_to_tensor([0, *keys], dtype)


def _find(keys, values):
    """Returns the positions of values among sorted keys, 0 for absent ones."""
    found = ops.searchsorted(keys, ops.reshape(values, (-1,)))
    found = ops.cast(ops.reshape(found, ops.shape(values)), "int32")
    found = ops.minimum(found, keys.shape[0] - 1)
    return ops.where(ops.equal(ops.take(keys, found), values), found, 0)
