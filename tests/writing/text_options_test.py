import pytest

from vqa_keras.errors import UserError
from vqa_keras.writing.text_options import ModelVocabularies
from vqa_keras.writing.text_options import TextOptions
from vqa_keras.writing.text_options import complete


def model(*answers, strip_accents=False, answers_of="run"):
    words = ["[PAD]", "[UNK]", "what"]
    return ModelVocabularies("RUN", words, strip_accents, answers, answers_of)


def test_without_a_model_the_defaults_are_those_of_the_reader():
    found = complete(TextOptions(), "vqa", None)
    assert found == TextOptions(strip_accents=False, answer_rule="vqa")
    given = TextOptions(strip_accents=True, answer_rule="text")
    assert complete(given, "vqa", None) == given


@pytest.mark.parametrize("strip_accents", [False, True])
def test_accents_are_stripped_as_in_the_model(strip_accents):
    of_model = model("yes", strip_accents=strip_accents)
    for given in (None, strip_accents):
        found = complete(TextOptions(strip_accents=given), "text", of_model)
        assert found.strip_accents is strip_accents
    match = f"must be that of RUN, {strip_accents}. Received: "
    with pytest.raises(UserError, match=match):
        complete(TextOptions(strip_accents=not strip_accents), "text", of_model)


@pytest.mark.parametrize(
    ("options", "name", "answers_of"),
    [
        ({"min_word_count": 2}, "min_word_count=2 with the words", "run"),
        ({"min_word_count": 2}, "min_word_count=2 with the words", "data"),
        ({"min_answer_count": 2}, "min_answer_count=2 with the answers", "run"),
        ({"top_answers": 9}, "top_answers=9 with the answers", "run"),
    ],
)
def test_counts_of_what_is_not_counted_are_refused(options, name, answers_of):
    with pytest.raises(UserError, match=f"Received: --{name}"):
        complete(
            TextOptions(**options), "text", model("yes", answers_of=answers_of)
        )


def test_answers_of_the_data_are_counted():
    options = TextOptions(top_answers=9, min_answer_count=2)
    found = complete(options, "text", model("yes", answers_of="data"))
    assert found.top_answers == 9


def test_two_answers_of_one_class_are_named_with_what_to_do():
    of_model = model("yes", "3", "three")
    with pytest.raises(UserError) as error:
        complete(TextOptions(), "vqa", of_model)
    assert str(error.value) == (
        "Each answer of RUN must be a class of its own by the answer rule vqa. "
        "Received: '3' and 'three', which are both '3'; pass "
        "--answer_rule=text or --answers_of=data"
    )
    complete(TextOptions(answer_rule="text"), "vqa", of_model)
    complete(TextOptions(), "vqa", of_model._replace(answers_of="data"))
    with pytest.raises(UserError, match="'red'; pass --answers_of=data$"):
        complete(TextOptions(), "text", model("Red", "red"))


def test_an_answer_that_the_rule_deletes_is_refused():
    # Questions without an answer would count as this class.
    with pytest.raises(UserError, match="Received: 'A', which is an empty"):
        complete(TextOptions(), "vqa", model("A", "B"))


def test_answers_of_the_data_require_a_training_split():
    model("yes").check_splits(["test"])
    model("yes", answers_of="data").check_splits(["train", "test"])
    with pytest.raises(UserError, match="split, whose.*Received: test"):
        model("yes", answers_of="data").check_splits(["test"])
