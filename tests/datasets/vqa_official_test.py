"""Small files in the official format of VQA v1 and v2."""

import json

import pytest

from vqa_keras.datasets import vqa_v1
from vqa_keras.datasets import vqa_v2
from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.errors import UserError

QUESTIONS = "v2_OpenEnded_mscoco_{}_questions.json"
ANNOTATIONS = "v2_mscoco_{}_annotations.json"
PAIRS = "v2_mscoco_{}_complementary_pairs.json"


def asked(question_id, image_id=9, text="What is it?"):
    return {"question_id": question_id, "image_id": image_id, "question": text}


def answered(question_id, image_id=9, answers=("a cat",) * 10):
    return {
        "question_id": question_id,
        "image_id": image_id,
        "question_type": "what is",
        "answer_type": "other",
        "multiple_choice_answer": "cat",
        "answers": [
            {"answer": answer, "answer_confidence": "yes", "answer_id": i}
            for i, answer in enumerate(answers, 1)
        ],
    }


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "vqa"
    folder.mkdir()
    write(folder, [asked(91), asked(92), asked(251, 25)])
    write_annotations(folder, [answered(92), answered(91), answered(251, 25)])
    return folder


def write(folder, questions, subtype="train2014", name=QUESTIONS):
    content = {
        "info": {"version": "2.0"},
        "task_type": "Open-Ended",
        "data_type": "mscoco",
        "license": {"name": "made for a test"},
        "data_subtype": subtype,
        "questions": questions,
    }
    (folder / name.format(subtype)).write_text(json.dumps(content))


def write_annotations(folder, annotations, subtype="train2014"):
    content = {"data_subtype": subtype, "annotations": annotations}
    (folder / ANNOTATIONS.format(subtype)).write_text(json.dumps(content))


@pytest.fixture
def read(tmp_path):
    def read(folder, reader=vqa_v2, **arguments):
        with QuestionTable(tmp_path / "table.sqlite") as table:
            reader.read(reader.find(folder), table, **arguments)
            table.finish()
            splits = {s: list(table.images(s)) for s in table.splits()}
            return splits, list(table.dropped())

    return read


def test_questions_get_their_annotations_and_coco_images(folder, read):
    splits, dropped = read(folder, validation_fraction=0)
    first, second = splits["train"]
    assert first.image_id == "9"
    assert first.path == "train2014/COCO_train2014_000000000009.jpg"
    assert second.path == "train2014/COCO_train2014_000000000025.jpg"
    assert first.questions[0] == Question(
        question_id="91",
        question="What is it?",
        question_type="what is",
        answer_type="other",
        answers=["a cat"] * 10,
        object_boxes=[],
        complementary_id="",
    )
    assert dropped == []


def test_all_official_splits_are_read(folder, read):
    write(folder, [asked(7, 1)], "val2014")
    write_annotations(folder, [answered(7, 1)], "val2014")
    write(folder, [asked(8, 2), asked(10, 3)], "test2015")
    write(folder, [asked(8, 2)], "test-dev2015")
    splits, _ = read(folder)
    counts = {name: len(images) for name, images in splits.items()}
    assert counts == {"train": 2, "validation": 1, "test": 2, "test_dev": 1}
    (image,) = splits["test_dev"]
    assert image.path == "test2015/COCO_test2015_000000000002.jpg"
    assert image.questions[0].answers == []


def test_complementary_pairs_are_kept(folder, read):
    (folder / PAIRS.format("train2014")).write_text("[[91, 251]]")
    (nine, other), _ = read(folder, validation_fraction=0)[0]["train"], None
    found = [q.complementary_id for q in nine.questions]
    assert found == ["251", ""]
    assert other.questions[0].complementary_id == "91"


def test_version_1_has_its_own_file_names(tmp_path, read):
    write(tmp_path, [asked(1)], name="OpenEnded_mscoco_{}_questions.json")
    with pytest.raises(UserError, match=" mscoco_train2014_annotations.json"):
        read(tmp_path, vqa_v1)
    path = tmp_path / "mscoco_train2014_annotations.json"
    path.write_text(json.dumps({"annotations": [answered(1)]}))
    splits, _ = read(tmp_path, vqa_v1, validation_fraction=0)
    assert list(splits) == ["train"]


def test_unmatched_and_duplicate_items_are_dropped_and_counted(folder, read):
    write(folder, [asked(91), asked(91), asked(92), asked(93)])
    write_annotations(
        folder, [answered(91), answered(92), answered(92), answered(94)]
    )
    splits, dropped = read(folder, validation_fraction=0)
    (image,) = splits["train"]
    assert [q.question_id for q in image.questions] == ["91", "92"]
    assert sorted((d.id, d.item, d.reason) for d in dropped) == [
        ("91", "question", "duplicate_question_id"),
        ("92", "annotation", "duplicate_annotation"),
        ("93", "question", "question_without_annotation"),
        ("94", "annotation", "annotation_without_question"),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"answers": [{"answer": 3}]},
            "question 92: must have `answer`, a string",
        ),
        ({"answers": ["cat"]}, "question 92: must have `answers`"),
        ({"answers": []}, "question 92: must have `answers`"),
        ({"question_type": None}, "question 92: must have `question_type`"),
        ({"question_id": "92"}, "must have `question_id`, an integer"),
    ],
)
def test_an_error_names_the_invalid_annotation(folder, read, change, message):
    write_annotations(folder, [answered(91), answered(92) | change])
    with pytest.raises(UserError, match=message):
        read(folder)


def test_errors_name_missing_and_invalid_files(folder, read):
    path = folder / QUESTIONS.format("train2014")
    path.write_text('{"questions": [\n{"question_id": 1,]}')
    with pytest.raises(UserError, match="must be JSON at line 2, column 1[89]"):
        read(folder)
    path.write_text('{"questions": []}')
    with pytest.raises(UserError, match="at least one question"):
        read(folder)
    path.unlink()
    with pytest.raises(
        UserError, match="must have v2_OpenEnded_mscoco_train2014"
    ):
        read(folder)


def test_ids_may_have_any_size(folder, read_all, tmp_path):
    large = [2**63, 10**300, 91]
    write(folder, [asked(n, 10**20) for n in large])
    write_annotations(folder, [answered(n) for n in [*large, 10**99, 92]])
    pairs = [[2**63, 10**300]]
    (folder / PAIRS.format("train2014")).write_text(json.dumps(pairs))
    with QuestionTable(tmp_path / "ids.sqlite") as table:
        vqa_v2.read(vqa_v2.find(folder), table)
        table.finish()
        found = [q for i in table.images("train") for q in i.questions]
        dropped = [item.id for item in table.dropped()]
    assert {q.question_id for q in found} == set(map(str, large))
    complements = {q.question_id: q.complementary_id for q in found}
    assert complements[str(2**63)] == str(10**300)
    assert dropped == ["92", str(10**99)]
