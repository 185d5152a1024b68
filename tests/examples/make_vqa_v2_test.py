"""The example generates files in the format of the official archives."""

import collections
import json
import pathlib
import runpy

import pytest
from PIL import Image

from vqa_keras import metrics

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "make_vqa_v2.py"
QUESTIONS = "v2_OpenEnded_mscoco_{}_questions.json"
ANNOTATIONS = "v2_mscoco_{}_annotations.json"


@pytest.fixture(scope="module")
def main():
    return runpy.run_path(str(EXAMPLE))["main"]


@pytest.fixture(scope="module")
def folder(main, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "vqa"
    main([str(folder)])
    return folder


def read(folder, name, subtype):
    return json.loads((folder / name.format(subtype)).read_text())


def test_there_are_240_images_and_1440_questions(folder):
    counts = {
        subtype: len(read(folder, QUESTIONS, subtype)["questions"])
        for subtype in ("train2014", "val2014", "test2015")
    }
    assert counts == {"train2014": 960, "val2014": 240, "test2015": 240}
    paths = list(folder.glob("*2*/COCO_*.jpg"))
    assert len(paths) == 240
    for path in paths:
        with Image.open(path) as image:
            assert image.size == (96, 72)


def test_every_question_has_ten_numbered_answers(folder):
    questions = read(folder, QUESTIONS, "train2014")["questions"]
    annotations = read(folder, ANNOTATIONS, "train2014")["annotations"]
    assert [q["question_id"] for q in questions] == [
        a["question_id"] for a in annotations
    ]
    for annotation in annotations:
        ids = [answer["answer_id"] for answer in annotation["answers"]]
        assert ids == list(range(1, 11))


def test_the_true_answer_gets_the_full_official_score(folder):
    questions = read(folder, QUESTIONS, "val2014")
    annotations = read(folder, ANNOTATIONS, "val2014")
    results = [
        {key: a[other] for key, other in keys.items()}
        for a in annotations["annotations"]
        for keys in [
            {"question_id": "question_id", "answer": "multiple_choice_answer"}
        ]
    ]
    scores = metrics.evaluate(questions, annotations, results)
    assert scores["overall"] == 100
    assert set(scores["per_answer_type"]) == {"yes/no", "number", "other"}


def test_paired_questions_have_equal_texts_and_different_answers(folder):
    annotations = {
        a["question_id"]: a
        for a in read(folder, ANNOTATIONS, "train2014")["annotations"]
    }
    texts = {
        q["question_id"]: q["question"]
        for q in read(folder, QUESTIONS, "train2014")["questions"]
    }
    name = "v2_mscoco_{}_complementary_pairs.json"
    pairs = read(folder, name, "train2014")
    assert len(pairs) > 200
    used = collections.Counter(i for pair in pairs for i in pair)
    assert set(used.values()) == {1}
    for first, second in pairs:
        assert texts[first] == texts[second]
        answers = [
            annotations[i]["multiple_choice_answer"] for i in (first, second)
        ]
        assert answers[0] != answers[1]


def test_test_questions_have_no_answers(folder):
    assert not (folder / ANNOTATIONS.format("test2015")).exists()
    lines = (folder / "test.jsonl").read_text().splitlines()
    assert not any({"answers", "answer"} & set(json.loads(x)) for x in lines)


def test_every_run_generates_the_same_files(main, folder, tmp_path):
    main([str(tmp_path)])
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        again = tmp_path / path.relative_to(folder)
        assert again.read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("arguments", [[], ["a", "five"], ["a", "5"]])
def test_an_error_names_the_arguments(main, arguments):
    message = "must be DIR .IMAGES., IMAGES at least 6"
    with pytest.raises(SystemExit, match=message):
        main(arguments)
