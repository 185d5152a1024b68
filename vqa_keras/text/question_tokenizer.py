import os
import types

import keras
import keras_hub
import numpy as np
from keras_hub.src.utils.preset_utils import KerasPresetLoader
from keras_hub.src.utils.tensor_utils import in_tf_function

from vqa_keras.text import question_graph
from vqa_keras.text.normalize import character_table
from vqa_keras.text.normalize import normalize
from vqa_keras.text.normalize import split
from vqa_keras.text.vocabulary import PAD
from vqa_keras.text.vocabulary import UNKNOWN
from vqa_keras.text.vocabulary import read_vocabulary
from vqa_keras.text.vocabulary import write_vocabulary

VOCABULARY_FILE = "vocabulary.txt"


@keras.saving.register_keras_serializable(package="vqa_keras")
class QuestionTokenizer(keras_hub.tokenizers.Tokenizer):
    """Turns questions into the ids of their words.

    A question is normalized (`vqa_keras.text.normalize`), split on spaces,
    and each word is looked up. Longer questions are cut, shorter ones padded
    with 0 on the right. A word outside the vocabulary gets the id 1, and so
    does a question without any word.

    Eager calls run in pure Python and need no TensorFlow. Inside a
    `tf.function` or `tf.data` the same words are found with lookup tables and
    core TensorFlow operations only: a SavedModel that contains the tokenizer
    loads without `tensorflow_text`, without KerasHub and without this library.

    The vocabulary is saved as an asset, `vocabulary.txt`, in presets and in
    `.keras` files, also where the tokenizer is part of a preprocessor. It is
    not in the config, which would keep a second copy: after
    `from_config(tokenizer.get_config())`, call `set_vocabulary`.

    Args:
        vocabulary: list of strings, or the path of a file with one a line:
            "[PAD]", "[UNK]", then words in normal form. Defaults to none,
            which `set_vocabulary` or a loaded preset supplies.
        sequence_length: int. Number of ids of every question.
        dtype: must be "int32".
        **kwargs: passed to `keras_hub.tokenizers.Tokenizer`.

    Call arguments:
        inputs: a question, or a list, array or string tensor of questions of
            any rank. Bytes are read as UTF-8; invalid bytes count as spaces.

    Returns:
        int32 ids, `(N,)` for one question and `(B, N)` for a batch: a NumPy
        array in eager calls, which every Keras backend takes, and a TensorFlow
        tensor in graphs.

    Raises:
        ValueError: if the vocabulary does not begin with "[PAD]" and "[UNK]",
            has doubled words or words that `normalize` changes (they would
            never be found), or if `sequence_length < 1`.

    Example:
    >>> tokenizer = QuestionTokenizer(
    ...     ["[PAD]", "[UNK]", "what", "color", "is", "it"], sequence_length=6
    ... )
    >>> tokenizer("What color is the shape?")
    array([2, 3, 4, 1, 1, 0], dtype=int32)
    """

    def __init__(
        self, vocabulary=None, sequence_length=14, dtype="int32", **kwargs
    ):
        if keras.dtype_policies.get(dtype).name != "int32":
            raise ValueError(f"`dtype` must be 'int32'. Received: {dtype}")
        super().__init__(dtype=dtype, **kwargs)
        if sequence_length < 1:
            raise ValueError(
                "`sequence_length` must be at least 1. Received: "
                f"{sequence_length}"
            )
        self.sequence_length = sequence_length
        self.file_assets = [VOCABULARY_FILE]
        self.set_vocabulary(vocabulary)
        self.built = True  # there is nothing to build

    def set_vocabulary(self, vocabulary):
        """Replaces the vocabulary by a list of words or a file of them."""
        if isinstance(vocabulary, (str, os.PathLike)):
            vocabulary = read_vocabulary(vocabulary)
        words = None if vocabulary is None else [str(w) for w in vocabulary]
        if words is not None:
            _check_vocabulary(words)
        # A proxy, because Keras and TensorFlow wrap dicts that they track.
        self._ids = types.MappingProxyType(
            {word: id for id, word in enumerate(words or ())}
        )
        self._words = None if words is None else tuple(words)
        self._tables = None

    def get_vocabulary(self):
        """Returns the words in the order of their ids."""
        return list(self._known_words())

    def vocabulary_size(self):
        """Returns the number of ids, padding and unknown word included."""
        return len(self._known_words())

    def id_to_token(self, id):
        """Returns the word of an id; "[PAD]" for 0 and "[UNK]" for 1."""
        words = self._known_words()
        if not 0 <= id < len(words):
            raise ValueError(
                f"`id` must be between 0 and {len(words) - 1}. Received: {id}"
            )
        return words[id]

    def token_to_id(self, token):
        """Returns the id of a word of the vocabulary."""
        self._known_words()
        if token not in self._ids:
            raise ValueError(
                f"`token` must be in the vocabulary. Received: {token!r}"
            )
        return self._ids[token]

    def normalize(self, text):
        """Returns `text` as its words with one space between, in Python."""
        return normalize(text)

    def split(self, text):
        """Returns the normalized words of `text`, known or not."""
        return split(text)

    def words(self, text):
        """Returns the words that `tokenize` gives ids, "[UNK]" for none."""
        return split(text)[: self.sequence_length] or [UNKNOWN]

    def is_cut(self, text):
        """Whether a question has more words than `sequence_length`."""
        return len(split(text)) > self.sequence_length

    def padded_ids(self, text):
        """Returns the ids of one question as a list, cut and padded."""
        ids = [self._ids.get(word, 1) for word in self.words(text)]
        return ids + [0] * (self.sequence_length - len(ids))

    def tokenize(self, inputs):
        self._known_words()
        if in_tf_function() or not self._allow_python_workflow:
            return self._tokenize_in_tensorflow(inputs)
        return self._tokenize_in_python(inputs)

    def call(self, inputs):
        return self.tokenize(inputs)

    def detokenize(self, inputs):
        """Returns the words of ids as text, without padding. Eager only.

        Args:
            inputs: ids, `(N,)` for one question or `(B, N)` for a batch.

        Returns:
            A string, or a list of strings for a batch.
        """
        words = self._known_words()
        ids = np.asarray(inputs)
        if ids.ndim > 1:
            return [self.detokenize(row) for row in ids]
        return " ".join(words[id] for id in ids.reshape(-1) if id != 0)

    def lookup_tables(self):
        """Returns the TensorFlow tables that graphs with this layer refer to.

        Whatever exports such a graph must track them. `keras.export` and
        `tf.saved_model.save` do so by themselves for a tokenizer that is an
        attribute of the exported object, on the TensorFlow backend; on other
        backends, assign this list to an attribute of the exported object.
        """
        if self._tables is None:
            self._tables = [
                question_graph.character_lookup(character_table()),
                question_graph.word_lookup(self._ids),
            ]
        return list(self._tables)

    def save_assets(self, dir_path):
        write_vocabulary(
            os.path.join(dir_path, VOCABULARY_FILE), self._known_words()
        )

    def load_assets(self, dir_path):
        self.set_vocabulary(os.path.join(dir_path, VOCABULARY_FILE))

    @classmethod
    def from_preset(cls, preset, config_file="tokenizer.json", **kwargs):
        """Loads the tokenizer of a preset: a folder, or a KerasHub handle.

        KerasHub's own method wants one tokenizer class for each backbone
        class; this one serves them all, and a folder that holds nothing but a
        tokenizer.

        Args:
            preset: string.
            config_file: string. Name of the tokenizer's config in the preset.
            **kwargs: constructor arguments that replace the saved ones.
        """
        loader = KerasPresetLoader(str(preset), config={})
        tokenizer = loader.load_tokenizer(cls, config_file, **kwargs)
        if not isinstance(tokenizer, cls):
            raise ValueError(
                f"A preset with a {cls.__name__} was needed. Received: "
                f"{preset} with a {type(tokenizer).__name__}"
            )
        return tokenizer

    @classmethod
    def from_config(cls, config):
        # A file of unknown origin must not choose which files are read.
        if isinstance(config.get("vocabulary"), str):
            raise ValueError(
                "The vocabulary in a config must be a list of words. Received: "
                f"the path {config['vocabulary']!r}"
            )
        return cls(**config)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary": None,  # an asset
            "sequence_length": self.sequence_length,
        }

    def compute_output_spec(self, inputs):
        shape = (*inputs.shape, self.sequence_length)
        return keras.KerasTensor(shape, dtype="int32")

    def _known_words(self):
        if self._words is None:
            raise ValueError(
                "The tokenizer needs a vocabulary: pass `vocabulary` or call "
                "`set_vocabulary`. Received: None"
            )
        return self._words

    def _tokenize_in_python(self, inputs):
        if isinstance(inputs, (str, bytes)):
            questions, shape = [inputs], ()
        else:
            array = np.asarray(inputs, dtype=object)
            questions, shape = array.reshape(-1).tolist(), array.shape
        rows = [self.padded_ids(_to_str(question)) for question in questions]
        return np.array(rows, "int32").reshape(*shape, self.sequence_length)

    def _tokenize_in_tensorflow(self, inputs):
        return question_graph.token_ids(
            inputs, *self.lookup_tables(), self.sequence_length
        )


def _to_str(question):
    if isinstance(question, bytes):
        return question.decode("utf-8", errors="replace")
    if not isinstance(question, str):
        raise ValueError(f"Questions must be strings. Received: {question!r}")
    return question


def _check_vocabulary(words):
    special = [PAD, UNKNOWN]
    if words[:2] != special:
        raise ValueError(
            f"The vocabulary must begin with {special}. Received: {words[:2]}"
        )
    seen = set()
    for word in words[2:]:
        if not word or word in seen or word in special:
            raise ValueError(
                "The words of the vocabulary must be different and not empty. "
                f"Received: {word!r}"
            )
        if split(word) != [word]:
            raise ValueError(
                "The words of the vocabulary must be single words in normal "
                "form (see `vqa_keras.text.normalize`), else no question can "
                f"hold them. Received: {word!r}"
            )
        seen.add(word)
