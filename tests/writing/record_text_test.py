import pytest

from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.datasets.question import Question
from vqa_keras.errors import UserError
from vqa_keras.text.vocabulary import read_vocabulary
from vqa_keras.writing.record_text import RecordText
from vqa_keras.writing.record_text import count_text
from vqa_keras.writing.record_text import write_text
from vqa_keras.writing.text_options import ModelVocabularies
from vqa_keras.writing.text_options import TextOptions
from vqa_keras.writing.work_folder import AnswerTexts
from vqa_keras.writing.work_folder import Coverage
from vqa_keras.writing.work_folder import WorkFolder


def question(text, *answers):
    return Question("1", text, answer_type="other", answers=list(answers))


@pytest.fixture
def output(tmp_path):
    WorkFolder(tmp_path).path.mkdir()
    return tmp_path


def test_words_answers_and_lengths_are_counted():
    images = [
        ImageQuestions(
            "0",
            questions=[question("Is it a cat?", "Yes"), question("", "the")],
        ),
        ImageQuestions(
            "0", questions=[question("a cat!", "yes", "cat", "YES")]
        ),
    ]
    assert count_text(images, TextOptions(answer_rule="vqa")) == {
        ("word", "is"): 1,
        ("word", "it"): 1,
        ("word", "a"): 2,
        ("word", "cat"): 2,
        ("length", 4): 1,
        ("length", 2): 1,
        ("length", 0): 1,
        ("answer", "yes"): 2,
        ("text", ("yes", "Yes")): 1,
        ("text", ("yes", "yes")): 1,
        ("text", ("yes", "YES")): 1,
        ("text", ("cat", "cat")): 1,
        ("text", ("", "the")): 1,
    }
    counts = count_text(images, TextOptions())
    assert counts["answer", "yes"] == 2
    assert counts["answer", "the"] == 1


def test_a_class_keeps_its_most_frequent_text(output):
    images = [
        ImageQuestions(
            "0",
            questions=[
                question("a", " Red.", "Red.", "red."),
                question("b", "B+", "b+", "B+"),
                question("c", "-3"),
                question("d", "3", " ", ""),
                question("e", "1,5"),
                question("f", "15"),
                question("g", "A"),
            ],
        )
    ]
    text = write_text(count_text(images, TextOptions()), output, TextOptions())
    assert text.answers == ["-3", "1,5", "15", "3", "A", "B+", "Red."]
    found = WorkFolder(output).answer_texts()
    assert (found.classes, found.texts, found.empty) == (7, 9, 2)
    encoder = RecordText(*text)
    encoded, _ = encoder.encode(
        [*images[0].questions, question("h", "RED."), question("i", "Blue!")]
    )
    assert [e.answer for e in encoded] == [
        "Red.", "B+", "-3", "3", "1,5", "15", "A", "Red.", "Blue!",
    ]  # fmt: skip
    assert [e.answer_id for e in encoded] == [6, 5, 0, 3, 1, 2, 4, 6, -1]


def test_the_length_is_the_99th_percentile(output):
    answers = {("answer", "yes"): 1, ("text", ("yes", "yes")): 1}
    for lengths, expected in (
        ({20: 160}, 20),
        ({3: 99, 30: 1}, 3),
        ({3: 98, 30: 2}, 30),
        ({0: 5}, 1),
        ({}, 1),
    ):
        counts = {("length", n): count for n, count in lengths.items()}
        text = write_text({**answers, **counts}, output, TextOptions())
        assert text.sequence_length == expected


def test_vocabularies_and_the_length_of_questions_are_written(
    output,
):
    counts = {("word", "a"): 2, ("word", "b"): 1, ("answer", "yes"): 3}
    counts["text", ("yes", "yes")] = 3
    text = write_text(
        {**counts, ("length", 5): 1, ("length", 9): 1}, output, TextOptions(2)
    )
    assert text.sequence_length == WorkFolder(output).sequence_length() == 9
    words = read_vocabulary(output / "question_vocabulary.txt")
    assert words == text.question_words == ["[PAD]", "[UNK]", "a"]
    assert read_vocabulary(output / "answer_vocabulary.txt") == ["yes"]


def test_a_training_split_without_answers_is_refused(output):
    with pytest.raises(UserError, match="answer that occurs at least 2 times"):
        write_text(
            {("answer", "yes"): 1}, output, TextOptions(min_answer_count=2)
        )


def test_words_and_answers_of_a_model_are_kept_and_measured(output):
    of_training = {
        ("word", "what"): 4,
        ("word", "zebra"): 2,
        ("length", 2): 3,
        ("answer", "yes"): 2,
        ("answer", "no"): 1,
        ("text", ("yes", "Yes")): 2,
        ("text", ("no", "no")): 1,
    }
    of_others = {
        ("other_word", "what"): 1,
        ("other_word", "is"): 3,
        ("other_length", 9): 5,
        ("other_answer", "red"): 5,
        ("other_answer", "no"): 2,
    }
    words = ["[PAD]", "[UNK]", "is", "what"]
    model = ModelVocabularies("RUN", words, False, ["NO"])
    work = WorkFolder(output)
    text = write_text(of_training | of_others, output, TextOptions(), model)
    assert text[:3] == (words, ["NO"], 2)
    assert work.coverage() == Coverage(10, 8, 10, 3)
    assert read_vocabulary(output / "question_vocabulary.txt") == words
    assert read_vocabulary(output / "answer_vocabulary.txt") == ["NO"]
    assert work.answer_texts() == AnswerTexts(2, 2, 0)
    model = model._replace(answers_of="data")
    text = write_text(of_training | of_others, output, TextOptions(), model)
    assert text[:3] == (words, ["Yes", "no"], 2)
    assert work.coverage() == Coverage(10, 8, 10, 5)
    model = model._replace(answers_of="run")
    text = write_text(of_others, output, TextOptions(), model)
    assert text.sequence_length == 9


def test_questions_are_encoded_as_ids_and_scores():
    text = RecordText(["[PAD]", "[UNK]", "is", "it"], ["no", "yes"], 3)
    answers = ["yes"] * 2 + ["maybe", "no"]
    (encoded,), cut = text.encode([question("Is it gray, sir?", *answers)])
    assert cut == 1
    assert encoded.token_ids == [3, 1, 1]
    assert (encoded.answer, encoded.answer_id) == ("yes", 1)
    assert encoded.scores == {1: 0.6, 0: 0.3}
    assert encoded.all_answers == answers


def test_an_empty_question_is_one_unknown_word_without_an_answer():
    text = RecordText(["[PAD]", "[UNK]"], ["yes"], 3)
    (encoded,), cut = text.encode([question("?!")])
    assert encoded.token_ids == [1, 0, 0]
    assert (encoded.answer, encoded.answer_id) == ("", -1)
    assert encoded.scores == {}
    assert cut == 0
