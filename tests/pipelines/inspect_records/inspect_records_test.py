import dataclasses
import json
import math
import runpy

import numpy as np
import pytest
from PIL import Image

from pipelines.card_text import card_text
from pipelines.card_text import distribution
from pipelines.data_card import data_card
from tests.fixtures.in_process import run_main


@pytest.fixture
def with_test_split(write_records, images, make_image):
    """Returns `write(labeled=True)`: records with a test split of one image."""

    def write(labeled=True):
        image = make_image(3, 4)  # answers yes, no, red, blue (no class)
        if not labeled:
            unlabeled = [
                dataclasses.replace(
                    question, answer="", answer_id=-1, all_answers=[], scores={}
                )
                for question in image.questions
            ]
            image = dataclasses.replace(image, questions=unlabeled)
        return write_records(
            images,
            test=[image],
            dropped={"truncated": 2},
            dropped_file="dropped.jsonl",
        )

    return write


def test_questions_are_counted_by_split_length_and_answer(records):
    splits = data_card(records)["splits"]
    train = splits["train"]
    assert (train["images"], train["questions"]) == (10, 30)
    assert (train["shards"], train["labeled"]) == (3, 30)
    assert train["question_types"] == {"distinct": 1, "top": [["what", 30]]}
    # "what is it 7?" has four words, of which the records keep three.
    assert train["question_words"] == {
        "min": 4,
        "median": 4,
        "p95": 4,
        "max": 4,
        "cut": 100,
    }
    assert splits["empty"]["question_words"] is None
    assert splits["empty"]["in_vocabulary"] is None


def test_answers_are_counted_and_compared_with_the_vocabulary(records, images):
    card = data_card(records)
    assert card["answer_vocabulary"] == 3
    train = card["splits"]["train"]
    # Answer (number + question) % 4 - 1 of each image; -1 is "blue".
    answers = [
        (number + i) % 4 - 1
        for number, count in enumerate([3, 1, 0, 2, 9, 3, 3, 2, 4, 3])
        for i in range(count)
    ]
    known = 30 - answers.count(-1)
    assert dict(train["answers"]["top"]) == {
        "yes": answers.count(0),
        "no": answers.count(1),
        "red": answers.count(2),
        "blue": answers.count(-1),
    }
    assert train["in_vocabulary"] == pytest.approx(100 * known / 30)
    assert train["annotator_answers"] == 100  # all are "red"
    assert train["baselines"] is None


def test_baselines_come_from_the_training_split(with_test_split):
    test = data_card(with_test_split())["splits"]["test"]
    # The four test answers all differ: one is the majority's.
    assert test["baselines"]["majority"] == 25
    assert test["in_vocabulary"] == 75


def test_a_split_without_answers_has_no_baseline_and_no_coverage(
    with_test_split,
):
    records = with_test_split(labeled=False)
    card = data_card(records)
    test = card["splits"]["test"]
    assert (test["questions"], test["labeled"]) == (4, 0)
    assert test["in_vocabulary"] is test["annotator_answers"] is None
    assert test["baselines"] is None
    text = card_text(card, "DIR")
    lines = {
        line[:30].strip(): line.split()[-1]
        for line in text.splitlines()
        if line
    }
    assert lines["with an answer"] == "0"
    assert lines["majority"] == "-"
    assert lines["truncated"] == "2"
    assert max(map(len, text.splitlines())) <= 80


def test_features_are_measured(records, images):
    features = data_card(records)["features"]
    assert list(features) == ["early", "late"]
    early = np.stack([i.features["early"] for i in images]).astype("float64")
    late = np.arange(10.0)  # every value of image i is i
    assert features["early"]["shape"] == [4, 4, 2]
    assert features["late"]["shape"] == [2, 2, 3]
    assert features["late"]["images"] == 10
    assert features["late"]["mean"] == pytest.approx(4.5)
    assert features["late"]["std"] == pytest.approx(late.std())
    assert (features["late"]["min"], features["late"]["max"]) == (0, 9)
    assert features["late"]["zeros"] == pytest.approx(10)
    assert features["late"]["norm"] == pytest.approx(4.5 * math.sqrt(3))
    assert features["early"]["std"] == pytest.approx(early.std())
    assert features["early"]["norm"] == pytest.approx(
        np.sqrt((early**2).sum(-1)).mean()
    )


def test_regions_that_vary_in_number_have_a_range(write_records, make_image):
    images = [make_image(i, 2, num_regions=10 + i) for i in range(6)]
    card = data_card(write_records(images, late=[None, 3]))
    assert card["features"]["late"]["shape"] == [[10, 15], 3]
    assert "10..15x3" in card_text(card, "DIR")


def test_long_distributions_are_cut_and_count_the_rest(
    write_records, make_image
):
    image = make_image(0, 60)
    for i, question in enumerate(image.questions):
        kind = f"type {min(i // 2, 24):02}"
        image.questions[i] = dataclasses.replace(question, question_type=kind)
    text = card_text(data_card(write_records([image])), "DIR")
    # type 24 is the most frequent, then come those of two questions each.
    assert "type 18" in text and "type 19" not in text
    (line,) = (li for li in text.splitlines() if "other distinct" in li)
    assert line.split() == ["other", "distinct", "values", "5", "0"]


def of_types(counts):
    """Figures of a split as those of a card, for its question types."""
    return {
        "questions": sum(counts.values()),
        "question_types": {
            "distinct": len(counts),
            "top": list(counts.items()),
        },
    }


def test_rare_is_below_a_hundredth_of_a_percent_and_not_absent():
    train = of_types({"what": 29_996, "why": 3, "who": 1})
    test = of_types({"what": 5, "how": 3})
    rows = distribution({"train": train, "test": test}, "question_types", "Of")
    assert rows == [
        ("Of", ["train", "test"]),
        ("  what", ["99.99 %", "62.50 %"]),
        ("  why", ["0.01 %", "0.00 %"]),
        ("  who", ["rare", "0.00 %"]),
        ("  other distinct values", ["0", "1"]),
        ("  rare: below 0.01 %, not 0", []),
    ]


def test_a_value_below_the_top_of_its_split_has_its_percentage(
    write_records, make_image
):
    def image(number, kinds):
        image = make_image(number, len(kinds))
        pairs = zip(image.questions, kinds, strict=True)
        questions = [dataclasses.replace(q, question_type=k) for q, k in pairs]
        return dataclasses.replace(image, questions=questions)

    # The 24 types of two questions precede it in the test split.
    often = [f"type {i:02}" for i in range(1, 25) for _ in range(2)]
    train = image(0, ["type 00"] * 3)
    test = image(1, [*often, "type 00", "type 99"])
    card = data_card(write_records([train], test=[test]))
    (row,) = (
        line
        for line in card_text(card, "DIR").splitlines()
        if "type 00" in line
    )
    assert row.split() == ["type", "00", "100.00", "%", "-", "2.00", "%"]
    types = card["splits"]["test"]["question_types"]
    assert types["distinct"] == 26
    assert [value for value, _ in types["top"]] == [
        *(f"type {i:02}" for i in range(1, 21)),
        "type 00",
    ]


def test_the_command_prints_a_card_and_draws_examples_where_asked_to(
    records, tmp_path, monkeypatch
):
    def inspect(*arguments):
        name = "pipelines.inspect_records"
        return run_main(
            lambda: runpy.run_module(name, None, "__main__", True),
            name,
            *arguments,
        )

    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    done = inspect(records, "--json")
    assert done.status == 0, done.stderr
    assert json.loads(done.stdout) == data_card(records)
    assert set(tmp_path.rglob("*")) == before
    done = inspect(records, "--json", "--contact_sheet=sheet.png")
    assert done.status == 0, done.stderr
    assert json.loads(done.stdout) == data_card(records)
    with Image.open(tmp_path / "sheet.png") as sheet:
        # 9 of the 10 images have a question: three rows of four.
        assert sheet.size == (4 * 204 + 12, 3 * 284 + 12)
        assert len(sheet.getcolors(10**6)) > 100
    done = inspect(tmp_path / "nothing")
    assert done.status == 2
    assert "Received:" in done.stderr and "Traceback" not in done.stderr
