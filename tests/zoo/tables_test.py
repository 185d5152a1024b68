"""The zoo's pages tell what its results.json hold, and nothing else."""

import copy
import json
import re

import pytest

from tests.fixtures.small_results import RESULTS
from vqa_keras import zoo
from vqa_keras.errors import UserError
from vqa_keras.zoo import results_tables

CARD = "# {}\n\n## Our result\n\n{}{}\n## Limits\n\nA tiny model.\n"
RUN = {
    **RESULTS,  # of easy_vqa's test split
    "entry": "looking",
    "questions": 9673,
    "images": 1000,
    "accuracy": {
        "overall": 99.0,
        "per_answer_type": {"other": 97.125, "yes/no": 100.0},
    },
    "baselines": {"majority": 37.33, "same_question": 67.0},
    "grounding": {
        "regions_1": {"pointing_accuracy": 90.0, "mass": 80.0, "chance": 18.51},
        "regions_2": {"pointing_accuracy": 50.0, "mass": 40.0, "chance": 18.51},
    },
    "parameters": 189365,
    "flops_per_question": 3456789,
    "seed": 0,
    "fit_seconds": 95.2,
    "command": "python -m vqa_keras.zoo.train looking --seed=0 --publish",
    "device": "2 CPU cores, x86_64",
}


def changed(**changes):
    return {**copy.deepcopy(RUN), **changes}


def write_entry(folder, name, runs=(), mechanism=None):
    (folder / name).mkdir()
    recipe = (
        f'model = "StackedBackbone"\nsource = "https://example.com/{name}"\n'
    )
    if mechanism:
        recipe += f'mechanism = "{mechanism}"\n'
    (folder / name / "recipe.toml").write_text(recipe)
    card = CARD.format(name, results_tables.BEGIN, results_tables.END)
    (folder / name / "README.md").write_text(card)
    if runs:
        text = json.dumps(runs)
        (folder / name / "results.json").write_text(text)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A zoo of an entry with two runs, one with an old run, one without."""
    second = changed(seed=1, fit_seconds=104.8)
    second["accuracy"]["overall"] = 98.0
    second["grounding"]["regions_1"] = {
        "pointing_accuracy": 80.0,
        "mass": 60.0,
        "chance": 18.51,
    }
    old = changed(entry="old", grounding={})
    del old["flops_per_question"]
    write_entry(tmp_path, "looking", [RUN, second], "looks twice")
    write_entry(tmp_path, "old", [old])
    write_entry(tmp_path, "untrained")
    monkeypatch.setattr(zoo.recipe, "entries", lambda: tmp_path)
    monkeypatch.setattr(zoo, "entries", lambda: tmp_path)
    return tmp_path


def rows(text):
    """The cells of every row of the only table in `text`."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[c.strip() for c in line.split("|")[1:-1]] for line in lines]


def test_the_zoos_table_has_a_row_for_every_entry(folder):
    text = results_tables.pages()[folder / "README.md"]
    header, _, looking, old, untrained = rows(text)
    assert header == [
        "entry",
        "mechanism",
        "parameters",
        "FLOPs per question",
        "training",
        "accuracy",
        "seeds",
        "grounding: pointing accuracy, mass",
    ]
    assert looking == [
        "[looking](looking/README.md)",
        "looks twice",
        "189,365",
        "3.46 M",
        "100 s",
        "98.50 %",
        "0, 1",
        "regions 1: 85.0 %, 70.0 %; regions 2: 50.0 %, 40.0 %",
    ]
    assert old[1:4] == ["https://example.com/old", "189,365", "not counted"]
    assert untrained[5] == "not trained yet"
    assert not any(untrained[2:5] + untrained[6:])


def test_baselines_stand_above_the_tables(folder):
    for path, text in results_tables.pages().items():
        if path.parent.name in ("old", "untrained"):
            continue
        above = re.sub(r"\s+", " ", text.split("| ")[0])
        assert "9,673 questions about 1,000 images" in above
        assert "majority answer 37.33 %" in above
        assert "answer of the same question 67.00 %" in above
        assert "is 18.5 %" in above


def test_a_card_lists_its_seeds_and_commands(folder):
    text = results_tables.pages()[folder / "looking" / "README.md"]
    header, _, *seeds = rows(text)
    assert header == [
        "seed",
        "accuracy",
        "yes/no",
        "other",
        "regions 1: pointing accuracy, mass",
        "regions 2: pointing accuracy, mass",
        "training",
    ]
    assert seeds == [
        ["0", "99.00 %", "100.00 %", "97.12 %", "90.0 %, 80.0 %"]
        + ["50.0 %, 40.0 %", "95 s"],
        ["1", "98.00 %", "100.00 %", "97.12 %", "80.0 %, 60.0 %"]
        + ["50.0 %, 40.0 %", "105 s"],
    ]
    flat = re.sub(r"\s+", " ", text)
    assert "189,365 parameters with the CNN, 3,456,789 floating" in flat
    assert "Trained on 2 CPU cores, x86_64." in flat
    assert text.count(f"    {RUN['command']}\n") == 2


def test_an_entry_without_results_names_the_command_that_makes_them(folder):
    text = results_tables.pages()[folder / "untrained" / "README.md"]
    assert "None yet." in text
    assert "python -m vqa_keras.zoo.train untrained --data=records" in text


def test_the_rest_of_a_card_stays(folder):
    for name in ("looking", "untrained"):
        path = folder / name / "README.md"
        before = path.read_text()
        after = results_tables.pages()[path]
        head, tail = before.split(results_tables.BEGIN)
        assert after.startswith(head + results_tables.BEGIN)
        assert after.endswith(tail)
        path.write_text(after)
        assert results_tables.pages()[path] == after


def test_a_card_without_the_two_lines_is_named(folder):
    path = folder / "old" / "README.md"
    for text in ("# old\n", results_tables.END + results_tables.BEGIN):
        path.write_text(text)
        with pytest.raises(UserError, match="old/README.md must be a card"):
            results_tables.pages()


def test_results_on_other_questions_are_not_put_in_one_table(folder):
    path = folder / "old" / "results.json"
    path.write_text(json.dumps([changed(split="validation")]))
    with pytest.raises(UserError, match="same questions.* easy_vqa validation"):
        results_tables.pages()


def test_an_unreadable_results_file_is_named(folder):
    (folder / "old" / "results.json").write_text("[{")
    with pytest.raises(
        UserError, match="old/results.json must be JSON at line 1, column 3"
    ):
        results_tables.pages()


def of_types(**changes):
    """A run on questions of two types."""
    run = changed(**changes)
    run["accuracy"]["per_question_type"] = {"far": 70.0, "near": 90.0}
    run["baselines"]["per_question_type"] = {
        "far": {"majority": 31.25, "same_question": 43.75},
        "near": {"majority": 20.0, "same_question": 50.0},
    }
    for found in run["grounding"].values():
        found["per_question_type"] = {
            "far": {"pointing_accuracy": 40.0, "mass": 30.0, "chance": 19.5},
            "near": {"pointing_accuracy": 60.0, "mass": 50.0, "chance": 8.25},
        }
    return run


@pytest.fixture
def group(folder):
    """A group of an entry with two runs, one without a map, one untrained."""
    folder = folder / "group"
    folder.mkdir()
    second = of_types(seed=1, fit_seconds=104.8)
    second["accuracy"]["per_question_type"]["far"] = 75.0
    write_entry(folder, "looking", [of_types(), second], "looks twice")
    write_entry(folder, "blind", [of_types(grounding={})], "has no map")
    write_entry(folder, "untrained", [], "is not here yet")
    card = CARD.format("group", results_tables.BEGIN, results_tables.END)
    (folder / "README.md").write_text(card)
    return folder


def test_a_group_has_a_column_for_each_type_of_question(group):
    text = results_tables.pages()[group / "README.md"]
    header, _, blind, looking, untrained, majority, only, chance = rows(text)
    assert header[:5] == "entry mechanism parameters seeds training".split()
    assert header[5:] == [
        "far",
        "near",
        "pointing accuracy, far",
        "pointing accuracy, near",
    ]
    assert looking == [
        "[looking](looking/recipe.toml)",
        "looks twice",
        "189,365",
        "0, 1",
        "100 s",
        "72.50 %",
        "90.00 %",
        "regions 1: 40.00 %; regions 2: 40.00 %",
        "regions 1: 60.00 %; regions 2: 60.00 %",
    ]
    assert blind[5:] == ["70.00 %", "90.00 %", "", ""]
    assert untrained[4] == "not trained yet"
    assert majority[5:] == ["31.25 %", "20.00 %", "", ""]
    assert only[5:] == ["43.75 %", "50.00 %", "", ""]
    assert chance[7:] == ["19.50 %", "8.25 %"]


def test_a_group_has_no_row_in_the_zoos_table(group):
    text = results_tables.pages()[group.parent / "README.md"]
    assert "group" not in text


def test_a_group_of_untrained_entries_says_so(group):
    for path in group.glob("*/results.json"):
        path.unlink()
    text = results_tables.pages()[group / "README.md"]
    assert f"{results_tables.BEGIN}\nNo entry has been trained yet." in text


@pytest.fixture
def cards(zoo_folder):
    """The zoo of the commands' tests, with cards for as long as a test."""
    pages = [zoo_folder / "README.md"]
    pages += [zoo_folder / name / "README.md" for name in ("tiny", "pixels")]
    for page in pages[1:]:
        page.write_text(results_tables.BEGIN + results_tables.END)
    yield pages
    for page in pages:
        page.unlink(missing_ok=True)


def test_check_names_stale_files_and_writes_nothing(call, cards):
    done = call("tables", "--check")
    assert done.status == 1
    assert all(f"not current  {page}\n" in done.stdout for page in cards)
    assert not cards[0].exists()

    done = call("tables")
    assert (done.status, done.stdout.count("written ")) == (0, 3)
    for arguments in ([], ["--check"]):
        done = call("tables", *arguments)
        assert done.status == 0
        assert done.stdout == "current      all tables of the zoo\n"

    cards[1].write_text(results_tables.BEGIN + results_tables.END)
    done = call("tables", "--check")
    assert (done.status, done.stdout) == (1, f"not current  {cards[1]}\n")


def test_an_argument_is_refused(call):
    done = call("tables", "stacked")
    expected = "error: There must be no argument. Received: stacked\n"
    assert (done.status, done.stderr) == (2, expected)


def test_the_published_pages_are_current():
    stale = [
        str(path)
        for path, text in results_tables.pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    assert not stale, "run python -m vqa_keras.zoo.tables"
