"""Small files in the published form of OK-VQA."""

import json

import pytest

from vqa_keras.datasets.question import Question
from vqa_keras.errors import UserError
from vqa_keras.text.normalize import split as words_of

QUESTIONS = "OpenEnded_mscoco_{}_questions.json"
ANNOTATIONS = "mscoco_{}_annotations.json"
ANSWERS = [("racing", "race")] * 4 + [("motocross", "motocross")] * 6


def asked(question_id=511155, image_id=51606):
    return {
        "image_id": image_id,
        "question": "What sport can you use this for?",
        "question_id": question_id,
    }


def answered(question_id=511155, image_id=51606):
    return {
        "image_id": image_id,
        "answer_type": "other",
        "question_type": "four",
        "question_id": question_id,
        "answers": [
            {
                "answer_id": i,
                "raw_answer": raw,
                "answer_confidence": "yes",
                "answer": answer,
            }
            for i, (raw, answer) in enumerate(ANSWERS, start=1)
        ],
        "confidence": 3,
    }


def write(folder, subset, questions, annotations):
    for name, key, rows in (
        (QUESTIONS, "questions", questions),
        (ANNOTATIONS, "annotations", annotations),
    ):
        content = {"info": {"version": "1.0"}, "data_type": "mscoco", key: rows}
        (folder / name.format(subset)).write_text(json.dumps(content))


def test_a_question_has_its_text_answers_types_and_image(folder, read_all):
    write(folder, "train2014", [asked()], [answered()])
    (image,) = read_all("okvqa")["train"]
    assert image.image_id == "51606"
    assert image.path == "train2014/COCO_train2014_000000051606.jpg"
    (question,) = image.questions
    assert question == Question(
        question_id="511155",
        question="What sport can you use this for?",
        question_type="four",
        answer_type="other",
        answers=["race"] * 4 + ["motocross"] * 6,
    )
    assert words_of(question.question) == (
        ["what", "sport", "can", "you", "use", "this", "for"]
    )


def test_val2014_is_the_validation_split(folder, read_all):
    write(
        folder,
        "train2014",
        [asked(i, 1) for i in range(3)],
        [answered(i, 1) for i in range(3)],
    )
    write(folder, "val2014", [asked(9, 2)], [answered(9, 2)])
    splits = read_all("okvqa")
    assert {s: len(images[0].questions) for s, images in splits.items()} == {
        "train": 3,
        "validation": 1,
    }
    assert splits["validation"][0].path == (
        "val2014/COCO_val2014_000000000002.jpg"
    )


def test_errors_name_the_damaged_file_and_its_question(folder, read_all):
    write(folder, "train2014", [asked()], [answered() | {"answers": []}])
    with pytest.raises(
        UserError,
        match="mscoco_train2014_annotations.json, question 511155: must have "
        "`answers`",
    ):
        read_all("okvqa")
    (folder / ANNOTATIONS.format("train2014")).unlink()
    with pytest.raises(
        UserError, match="must have mscoco_train2014_annotations.json of okvqa"
    ):
        read_all("okvqa")
