import pytest

from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.errors import UserError


def question(question_id, **others):
    values = {
        "question": "is it?",
        "question_type": "is",
        "answer_type": "yes/no",
        "answers": ["yes"],
        **others,
    }
    return Question(question_id, **values)


@pytest.fixture
def table(tmp_path):
    with QuestionTable(tmp_path / "table.sqlite") as table:
        yield table


def fill(table, count, split="train"):
    for i in range(count):
        table.add_image(split, f"{i}", f"{i}.png")
        table.add_question(split, f"{i}", question(f"{split}-{i}"))


def test_images_are_in_the_order_of_adding_with_all_their_questions(table):
    for image_id, question_id in (("b", "1"), ("a", "2"), ("b", "3")):
        table.add_image("train", image_id, f"{image_id}.png")
        table.add_question("train", image_id, question(question_id))
    table.finish()
    images = list(table.images("train"))
    assert [image.image_id for image in images] == ["b", "a"]
    assert [q.question_id for q in images[0].questions] == ["1", "3"]
    assert images[0].path == "b.png"
    assert images[0].questions[0] == Question(
        question_id="1",
        question="is it?",
        question_type="is",
        answer_type="yes/no",
        answers=["yes"],
        object_boxes=[],
        complementary_id="",
    )


def test_train_is_the_first_split_and_unknown_splits_are_last(table):
    for split in ("other", "test", "train"):
        fill(table, 2, split)
    table.finish()
    assert list(table.splits()) == ["train", "test", "other"]


def test_duplicate_ids_are_dropped_and_the_first_is_kept(table):
    fill(table, 2)
    table.add_question("train", "1", question("train-0", question="again?"))
    table.add_image("train", "0", "another.png")
    table.add_question("test", *_with_image(table, "test"))
    table.finish()
    assert [(d.id, d.reason) for d in table.dropped()] == [
        ("train-0", "duplicate_question_id"),
        ("0", "duplicate_image_id"),
    ]
    first, second = table.images("train")
    assert first.path == "0.png"
    assert first.questions[0].question == "is it?"
    assert len(second.questions) == 1


def _with_image(table, split):
    table.add_image(split, "0", "0.png")
    return "0", question("train-0")  # another split may use the id


def test_the_images_of_the_lowest_hashes_are_held_out(table):
    fill(table, 40)
    table.hold_out(0.25, seed=1)
    table.finish()
    held = {image.image_id for image in table.images("validation")}
    kept = {image.image_id for image in table.images("train")}
    assert (len(held), len(kept)) == (10, 30)
    assert not held & kept
    # Those with the lowest of `printf '1 0' | sha256sum`, '1 1', ... '1 39'.
    lowest = "1 32 35 16 24 20 38 11 19 30"
    assert held == set(lowest.split())
    first = next(iter(table.images("validation")))
    assert first.questions[0].question_id == "train-1"


@pytest.mark.parametrize("fraction", [-0.1, 1.0])
def test_a_fraction_out_of_range_is_refused(table, fraction):
    with pytest.raises(UserError, match=f"Received: {fraction}"):
        table.hold_out(fraction, 0)


def test_data_without_a_training_split_is_refused(table):
    fill(table, 1, "test")
    with pytest.raises(UserError, match="training split. Received: test"):
        table.finish()


def test_the_hash_depends_on_content_and_order(tmp_path):
    hashes = []
    for ids in (("1", "2"), ("1", "2"), ("2", "1")):
        with QuestionTable(tmp_path / "table.sqlite") as table:
            for image_id in ids:
                table.add_image("train", image_id, "a.png")
                table.add_question("train", image_id, question(image_id))
            table.finish()
            hashes.append(table.sha256())
    assert hashes[0] == hashes[1]
    assert hashes[0] != hashes[2]


def test_a_missing_folder_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="must be in a writable folder"):
        QuestionTable(tmp_path / "missing" / "table.sqlite")
