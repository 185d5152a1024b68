"""`count_ngrams`, the n-grams of training questions."""

import numpy as np

from vqa_keras.layers.ngram_dense import check_keys


def count_ngrams(token_ids, vocabulary_size, min_count=3):
    """Returns the n-grams that occur often enough, for `layers.NgramDense`.

    Args:
        token_ids: int array, `(Q, N)`: the training questions, 0 at padding.
            `vqa_keras.data.token_ids` reads those of records.
        vocabulary_size: int. Number of token ids V, padding included.
        min_count: int. Occurrences that an n-gram must have. Defaults to 3.

    Returns:
        Three int32 arrays: the sorted keys of the words, pairs and triples.

    Raises:
        ValueError: if the keys are too many for int32.
    """
    token_ids = np.asarray(token_ids, "int64")
    ngrams, prefix = [], None
    for n in range(3):
        last = token_ids[:, n:]
        keys, known = last, last > 0
        if prefix is not None:
            keys = prefix[:, :-1] * vocabulary_size + last
            known &= prefix[:, :-1] > 0
        values, counts = np.unique(keys[known], return_counts=True)
        values = values[counts >= min_count]
        prefix = np.searchsorted(values, keys) + 1
        prefix[~(known & np.isin(keys, values))] = 0
        ngrams.append(values)
    check_keys([len(values) for values in ngrams], vocabulary_size)
    return [values.astype("int32") for values in ngrams]
