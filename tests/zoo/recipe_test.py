"""Recipes are found where they lie, and nothing else is."""

import re
import tomllib

import pytest

from vqa_keras.errors import UserError
from vqa_keras.zoo import recipe


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A zoo of two entries and one part, beside what is no entry."""
    folder = tmp_path / "zoo"
    for name in ("stacked", "co_attention", "image_encoders/small"):
        (folder / name).mkdir(parents=True)
        (folder / name / "recipe.toml").write_text(f'model = "{name}"\n')
    (folder / "notes").mkdir()
    (folder / "notes" / "README.md").write_text("no recipe here")
    (folder / "recipe.toml").write_text('model = "of no entry"\n')
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "recipe.toml").write_text('model = "outside"\n')
    monkeypatch.setattr(recipe, "entries", lambda: folder)
    return folder


def test_names_are_sorted_and_one_level_deep(zoo):
    assert recipe.names() == ["co_attention", "stacked"]


@pytest.mark.parametrize("name", ["stacked", "image_encoders/small"])
def test_load_reads_the_recipe_of_that_entry(zoo, name):
    assert recipe.load_recipe(name) == {"model": name}


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "Stacked", "notes", "../secret"]
    + ["image_encoders", "image_encoders/smal"]
    + ["stacked/../../secret", "/", "stacked/"],
)
def test_an_unknown_name_lists_every_entry(zoo, name):
    close = {"Stacked": "stacked", "stacked/": "stacked"}
    hint = f"; did you mean {close[name]}?" if name in close else ""
    expected = (
        f"The zoo has no entry named {name!r}{hint}. "
        "Known: co_attention, stacked; or the path of a recipe, which ends in "
        ".toml"
    )
    with pytest.raises(UserError, match=f"^{re.escape(expected)}$"):
        recipe.load_recipe(name)


def test_an_absolute_path_is_no_name(zoo):
    with pytest.raises(UserError, match="no entry named"):
        recipe.load_recipe(str(zoo / "stacked"))


def test_a_syntax_error_names_file_and_line(zoo):
    path = zoo / "stacked" / "recipe.toml"
    path.write_text('model = "stacked"\n\nepochs = thirty\n')
    with pytest.raises(UserError, match=r"line 3") as caught:
        recipe.load_recipe("stacked")
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_utf8_name_file_and_line(zoo):
    path = zoo / "stacked" / "recipe.toml"
    path.write_bytes(b'model = "stacked"\n# caf\xe9\n')
    with pytest.raises(UserError, match=r"0xe9 \(at line 2\)") as caught:
        recipe.load_recipe("stacked")
    assert str(path) in str(caught.value)


def test_every_recipe_of_the_project_names_its_model():
    assert recipe.names()
    for name in recipe.names():
        text = (recipe.entries() / name / "recipe.toml").read_text()
        assert recipe.load_recipe(name) == tomllib.loads(text)
        assert isinstance(recipe.load_recipe(name)["model"], str)


def test_a_recipe_of_ones_own_is_read_by_its_path(zoo, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('model = "Mine"')
    assert recipe.load_recipe(str(path)) == {"model": "Mine"}
    with pytest.raises(UserError, match="none.toml must be a readable file"):
        recipe.load_recipe(str(tmp_path / "none.toml"))


def test_values_are_replaced_in_a_copy():
    before = {
        "model": "Stacked",
        "backbone": {"num_hops": 2, "normalize_regions": True},
        "head": {"dropout": 0.0, "activation": "softmax"},
    }
    found = recipe.set_values(
        before,
        ["backbone.num_hops=3", "head.dropout=1", "head.activation=sigmoid"]
        + ["backbone.normalize_regions=false"],
    )
    assert found["backbone"] == {"num_hops": 3, "normalize_regions": False}
    assert found["head"] == {"dropout": 1.0, "activation": "sigmoid"}
    assert type(found["head"]["dropout"]) is float
    assert before["backbone"]["num_hops"] == 2


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("backbone.hops=3", "did you mean backbone.num_hops"),
        ("num_hops=3", "did you mean backbone.num_hops"),
        ("model=Joint", "must be NAME=VALUE"),
        ("backbone.num_hops", "must be NAME=VALUE"),
        ("backbone.num_hops=three", "of type int, as 2 in the recipe"),
        ("backbone.num_hops=2.5", "of type int"),
        ("backbone.num_hops=true", "of type int"),
        ("backbone.num_hops=1\nx=2", "of type int"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(assignment, message):
    with pytest.raises(UserError, match=message):
        recipe.set_values({"backbone": {"num_hops": 2}}, [assignment])
