import pytest

from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.datasets.question import Question
from vqa_keras.errors import UserError
from vqa_keras.text.vocabulary import read_vocabulary
from vqa_keras.writing.record_text import RecordText
from vqa_keras.writing.record_text import TextLimits
from vqa_keras.writing.record_text import count_text
from vqa_keras.writing.record_text import write_text
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
    assert count_text(images) == {
        ("word", "is"): 1,
        ("word", "it"): 1,
        ("word", "a"): 2,
        ("word", "cat"): 2,
        ("length", 4): 1,
        ("length", 2): 1,
        ("length", 0): 1,
        ("answer", "yes"): 2,
    }


def test_vocabularies_and_the_length_of_the_longest_question_are_written(
    output,
):
    counts = {("word", "a"): 2, ("word", "b"): 1, ("answer", "yes"): 3}
    text = write_text(
        {**counts, ("length", 5): 1, ("length", 9): 1}, output, TextLimits(2)
    )
    assert text.sequence_length == WorkFolder(output).sequence_length() == 9
    words = read_vocabulary(output / "question_vocabulary.txt")
    assert words == text.question_words == ["[PAD]", "[UNK]", "a"]
    assert read_vocabulary(output / "answer_vocabulary.txt") == ["yes"]
    assert (
        write_text(
            {**counts, ("length", 99): 1}, output, TextLimits()
        ).sequence_length
        == 14
    )


def test_a_training_split_without_answers_is_refused(output):
    with pytest.raises(UserError, match="answer that occurs at least 2 times"):
        write_text(
            {("answer", "yes"): 1}, output, TextLimits(min_answer_count=2)
        )


def test_questions_are_encoded_as_ids_and_scores():
    text = RecordText(["[PAD]", "[UNK]", "is", "it"], ["no", "yes"], 3)
    answers = ["yes"] * 2 + ["maybe", "no"]
    (encoded,), cut = text.encode([question("Is it gray, sir?", *answers)])
    assert cut == 1
    assert encoded.token_ids == [2, 3, 1]
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
