"""The vocabularies of trained models, and folders that are no such model."""

import json
import shutil

import pytest

from pipelines.model_vocabularies import read_model_vocabularies
from vqa_keras import presets
from vqa_keras.errors import UserError
from vqa_keras.image_encoders import GridCNNBackbone
from vqa_keras.models import VQA
from vqa_keras.models import VQAPreprocessor
from vqa_keras.text import QuestionTokenizer


def test_a_shipped_preset_gives_the_words_of_its_task():
    found = read_model_vocabularies("stacked_easy_vqa")
    preprocessor = VQA.from_preset("stacked_easy_vqa").preprocessor
    assert found == (
        "stacked_easy_vqa",
        preprocessor.tokenizer.get_vocabulary(),
        False,
        preprocessor.answers,
        "run",
    )
    assert type(found.answers) is type(found.words) is list


def test_accents_and_the_origin_of_the_answers_are_kept(tmp_path):
    words = ["[PAD]", "[UNK]", "cafe"]
    tokenizer = QuestionTokenizer(words, 5, strip_accents=True)
    VQAPreprocessor(tokenizer, ["oui"]).save_to_preset(tmp_path)
    found = read_model_vocabularies(tmp_path, "data")
    assert found == (str(tmp_path), words, True, ["oui"], "data")


def test_without_a_model_there_is_nothing_to_read():
    assert read_model_vocabularies(None) is None
    with pytest.raises(UserError, match="Received: --answers_of=data alone"):
        read_model_vocabularies(None, "data")


def copy(folder, **changed):
    shutil.copytree(presets.find("stacked_easy_vqa"), folder)
    path = folder / "preprocessor.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
    return folder


def test_what_is_no_trained_model_is_refused(tmp_path):
    cnn, bare = tmp_path / "cnn", tmp_path / "bare"
    GridCNNBackbone([4], [2], [2], (8, 8, 3)).save_to_preset(cnn)
    QuestionTokenizer(["[PAD]", "[UNK]"], 3).save_to_preset(bare)
    (tmp_path / "empty").mkdir()
    for name, match in {
        "missing": "--vocabularies: The preset must be .*missing$",
        "empty": "words and answers in preprocessor.json.*a folder of no file",
        "cnn": "preprocessor.json.*a folder of config.json, metadata.json",
        "bare": "preprocessor.json.*a folder of assets, tokenizer.json",
    }.items():
        with pytest.raises(UserError, match=match):
            read_model_vocabularies(tmp_path / name)
    with pytest.raises(UserError, match="did you mean stacked_easy_vqa"):
        read_model_vocabularies("stacked_easy_vq")
    with pytest.raises(UserError, match="bert_tiny_en_uncased, a preset of Ke"):
        read_model_vocabularies("bert_tiny_en_uncased")


def test_a_damaged_run_is_refused_in_one_line(tmp_path):
    without = copy(tmp_path / "without")
    shutil.rmtree(without / "assets")
    half = copy(tmp_path / "half")
    (half / "preprocessor.json").write_text("{half")
    words = copy(tmp_path / "words")
    (words / "assets" / "tokenizer" / "vocabulary.txt").write_text("a\na\n")
    other = copy(tmp_path / "other", class_name="Another", registered_name="no")
    for folder in (without, half, words, other):
        with pytest.raises(UserError) as error:
            read_model_vocabularies(folder)
        assert str(folder) in str(error.value)
        assert "Received" in str(error.value)
        assert "\n" not in str(error.value)
