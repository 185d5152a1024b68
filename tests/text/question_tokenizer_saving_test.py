import copy
import pickle

import keras
import keras_hub
import numpy as np
import pytest

from vqa_keras.text import QuestionTokenizer

QUESTIONS = ["What color is it?", "", "\u4eba \ud55c", "\U0001f44d"]


@pytest.fixture
def vocabulary():
    return ["[PAD]", "[UNK]", "what", "color", "\u4eba", "\U0001f44d"]


@pytest.fixture
def tokenizer(vocabulary):
    return QuestionTokenizer(vocabulary)


def test_preset_gives_back_the_tokenizer(tmp_path, vocabulary):
    tokenizer = QuestionTokenizer(vocabulary, sequence_length=6)
    tokenizer.save_to_preset(str(tmp_path))
    twin = QuestionTokenizer.from_preset(str(tmp_path))
    assert twin.get_vocabulary() == vocabulary
    assert twin.get_config() == tokenizer.get_config()
    longer = QuestionTokenizer.from_preset(tmp_path, sequence_length=9)
    assert longer("what").shape == (9,)


@keras.saving.register_keras_serializable(package="vqa_keras_tests")
class Preprocessor(keras_hub.models.Preprocessor):
    def __init__(self, tokenizer, **kwargs):
        super().__init__(**kwargs)
        self.tokenizer = tokenizer

    def call(self, x):
        return self.tokenizer(x)


@keras.saving.register_keras_serializable(package="vqa_keras_tests")
class Task(keras.Model):
    def __init__(self, preprocessor, **kwargs):
        super().__init__(**kwargs)
        self.preprocessor = preprocessor
        self.dense = keras.layers.Dense(1)

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, inputs):
        return self.dense(inputs)

    def get_config(self):
        preprocessor = keras.saving.serialize_keras_object(self.preprocessor)
        return {**super().get_config(), "preprocessor": preprocessor}

    @classmethod
    def from_config(cls, config):
        preprocessor = config.pop("preprocessor")
        preprocessor = keras.saving.deserialize_keras_object(preprocessor)
        return cls(preprocessor, **config)


def test_keras_file_gives_back_the_tokenizer_of_a_preprocessor(
    tmp_path, tokenizer, vocabulary
):
    task = Task(Preprocessor(tokenizer))
    task(tokenizer(QUESTIONS).astype("float32"))
    task.save(tmp_path / "task.keras")
    twin = keras.saving.load_model(tmp_path / "task.keras").preprocessor
    assert twin.tokenizer.get_vocabulary() == vocabulary
    np.testing.assert_array_equal(twin(QUESTIONS), tokenizer(QUESTIONS))


def test_copies_work_after_the_tables_were_made(tokenizer):
    pytest.importorskip("tensorflow")
    tokenizer.lookup_tables()
    for twin in (
        copy.deepcopy(tokenizer),
        pickle.loads(pickle.dumps(tokenizer)),
    ):
        np.testing.assert_array_equal(twin(QUESTIONS), tokenizer(QUESTIONS))


def test_a_config_cannot_name_a_file_to_read(tmp_path, tokenizer):
    config = {**tokenizer.get_config(), "vocabulary": str(tmp_path / "words")}
    with pytest.raises(ValueError, match="must be a list of words"):
        QuestionTokenizer.from_config(config)
