import os
import types

import keras
import keras_hub
import numpy as np
from keras_hub.src.utils.preset_utils import KerasPresetLoader
from keras_hub.src.utils.tensor_utils import in_tf_function

from vqa_keras.text import question_graph
from vqa_keras.text.normalize import normalize
from vqa_keras.text.normalize import split
from vqa_keras.text.vocabulary import UNKNOWN
from vqa_keras.text.vocabulary import check_question_vocabulary
from vqa_keras.text.vocabulary import read_vocabulary
from vqa_keras.text.vocabulary import write_vocabulary

VOCABULARY_FILE = "vocabulary.txt"


@keras.saving.register_keras_serializable(package="vqa_keras")
class QuestionTokenizer(keras_hub.tokenizers.Tokenizer):
    """Tokenizes questions to the ids of their words.

    Normalizes a question (`vqa_keras.text.normalize`), splits it on spaces and
    looks up each word. A longer question keeps its end, where most questions
    name what they are about; a shorter one is padded with 0 on the right. A
    word outside the vocabulary gets the id 1, and so does a question without
    words.

    Eager calls run in pure Python and need no TensorFlow. Inside a
    `tf.function` or `tf.data` pipeline, lookup tables and core TensorFlow
    operations compute the same ids: a SavedModel that contains the tokenizer
    loads without `tensorflow_text`, without KerasHub and without this library.

    The vocabulary is saved as an asset, `vocabulary.txt`, in presets and in
    `.keras` files, also where the tokenizer is part of a preprocessor. The
    config does not repeat it: after `from_config(tokenizer.get_config())`,
    call `set_vocabulary`.

    Args:
        vocabulary: list of str, or path of a file with one word per line:
            "[PAD]", "[UNK]", then words in normal form. Defaults to `None`:
            `set_vocabulary` or a loaded preset sets it.
        sequence_length: int. Number N of ids per question. Defaults to 14.
        strip_accents: bool. Whether accents are dropped from words. Defaults to
            `False`.
        dtype: must be "int32".
        **kwargs: passed to `keras_hub.tokenizers.Tokenizer`.

    Call arguments:
        inputs: a question, or a list, array or string tensor of questions of
            any rank. Bytes are decoded as UTF-8; invalid bytes count as spaces.

    Returns:
        int32 ids, `(N,)` for one question and `(B, N)` for a batch: a NumPy
        array in eager calls, which every Keras backend takes, and a TensorFlow
        tensor in graphs.

    Raises:
        ValueError: if the vocabulary does not begin with "[PAD]" and "[UNK]",
            has duplicate words or words that `normalize` changes (no question
            could match them), or if `sequence_length < 1`.

    Example:
    >>> tokenizer = QuestionTokenizer(
    ...     ["[PAD]", "[UNK]", "what", "color", "is", "it"], sequence_length=6
    ... )
    >>> tokenizer("What color is the shape?")
    array([2, 3, 4, 1, 1, 0], dtype=int32)
    """

    def __init__(
        self,
        vocabulary=None,
        sequence_length=14,
        strip_accents=False,
        dtype="int32",
        **kwargs,
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
        self.strip_accents = strip_accents
        self.file_assets = [VOCABULARY_FILE]
        self.set_vocabulary(vocabulary)
        self.built = True  # no weights

    def set_vocabulary(self, vocabulary):
        """Replaces the vocabulary.

        Args:
            vocabulary: as in the constructor.
        """
        if isinstance(vocabulary, (str, os.PathLike)):
            vocabulary = read_vocabulary(vocabulary)
        words = None if vocabulary is None else [str(w) for w in vocabulary]
        if words is not None:
            check_question_vocabulary(words, self.strip_accents)
        # A proxy, because Keras and TensorFlow wrap dicts that they track.
        self._ids = types.MappingProxyType(
            {word: id for id, word in enumerate(words or ())}
        )
        self._words = None if words is None else tuple(words)
        self._tables = None

    def get_vocabulary(self):
        """Returns the list of the words in the order of their ids."""
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
        return normalize(text, self.strip_accents)

    def split(self, text):
        """Returns the normalized words of `text`, known or not."""
        return split(text, self.strip_accents)

    def words(self, text):
        """Returns the words that `tokenize` looks up; "[UNK]" if none."""
        return self.split(text)[-self.sequence_length :] or [UNKNOWN]

    def is_cut(self, text):
        """Returns whether `tokenize` truncates a question."""
        return len(self.split(text)) > self.sequence_length

    def unused_words(self, text):
        """Returns the words of a question that a model does not read.

        These are the words at the start of a question that is too long, and
        words outside the vocabulary, each once.
        """
        words = self.split(text)
        cut = words[: -self.sequence_length]
        unknown = [word for word in words if word not in self._ids]
        return list(dict.fromkeys(cut + unknown))

    def padded_ids(self, text):
        """Returns the ids of one question as a list of length N."""
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
        """Joins the words of ids, without padding. Eager only.

        Args:
            inputs: ids, `(N,)` for one question or `(B, N)` for a batch.

        Returns:
            str, or list of str for a batch.
        """
        words = self._known_words()
        ids = np.asarray(inputs)
        if ids.ndim > 1:
            return [self.detokenize(row) for row in ids]
        return " ".join(words[id] for id in ids.reshape(-1) if id != 0)

    def lookup_tables(self):
        """Returns the TensorFlow tables that graphs with this layer refer to.

        An exported object must track them. On the TensorFlow backend,
        `keras.export` and `tf.saved_model.save` track those of a tokenizer that
        is an attribute of the object; on other backends, assign this list to
        an attribute of the object.
        """
        if self._tables is None:
            self._tables = list(
                question_graph.lookup_tables(self._ids, self.strip_accents)
            )
        return list(self._tables)

    def save_assets(self, dir_path):
        write_vocabulary(
            os.path.join(dir_path, VOCABULARY_FILE), self._known_words()
        )

    def load_assets(self, dir_path):
        self.set_vocabulary(os.path.join(dir_path, VOCABULARY_FILE))

    @classmethod
    def from_preset(cls, preset, config_file="tokenizer.json", **kwargs):
        """Loads the tokenizer of a preset.

        Unlike KerasHub's method it does not require one tokenizer class per
        backbone class, and reads a folder that holds only a tokenizer.

        Args:
            preset: str or path, a folder or a KerasHub handle.
            config_file: str. Name of the tokenizer's config in the preset.
            **kwargs: constructor arguments that replace the saved ones.

        Raises:
            ValueError: if the preset holds another tokenizer.
        """
        loader = KerasPresetLoader(str(preset), config={})
        tokenizer = loader.load_tokenizer(cls, config_file, **kwargs)
        if not isinstance(tokenizer, cls):
            raise ValueError(
                f"`preset` must hold a {cls.__name__}. Received: {preset} with "
                f"a {type(tokenizer).__name__}"
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
            "strip_accents": self.strip_accents,
        }

    def compute_output_spec(self, inputs):
        shape = (*inputs.shape, self.sequence_length)
        return keras.KerasTensor(shape, dtype="int32")

    def _known_words(self):
        if self._words is None:
            raise ValueError(
                "`vocabulary` must be set, in the constructor or by "
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
        tables = question_graph.Tables(*self.lookup_tables())
        return question_graph.token_ids(inputs, tables, self.sequence_length)


def _to_str(question):
    if isinstance(question, bytes):
        return question.decode("utf-8", errors="replace")
    if not isinstance(question, str):
        raise ValueError(f"Questions must be strings. Received: {question!r}")
    return question
