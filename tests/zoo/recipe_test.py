"""Recipes are found where they lie, and nothing else is."""

import copy
import re
import tomllib

import pytest

from vqa_keras.data.features import Features
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
    hint = f"; did you mean {close[name]}?" if name in close else "."
    expected = (
        f"The zoo has no entry named {name!r}{hint} "
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


def features(name):
    level = {"grid": (2, 2, 4)}
    return Features(
        source="files" if name == "boxes" else "cnn",
        name=name,
        weights_sha256="0" * 64,
        levels=level,
    )


MINE = {
    "backbone": {"normalize_image": True, "num_hops": 2},
    "head": {"activation": "softmax"},
    "training": {"inputs": "regions"},
}
PHOTOGRAPHS = {
    "backbone": {"normalize_image": False},
    "head": {"activation": "sigmoid"},
}


@pytest.mark.parametrize("name", ["efficientnet_lite0", "boxes"])
def test_features_of_photographs_choose_their_values(name):
    before = copy.deepcopy({**MINE, "photographs": PHOTOGRAPHS})
    found, changed = recipe.for_features(before, features(name))
    assert found["backbone"] == {"normalize_image": False, "num_hops": 2}
    assert found["head"] == {"activation": "sigmoid"}
    assert "photographs" not in found
    assert changed == [
        "backbone.normalize_image=false",
        'head.activation="sigmoid"',
    ]
    assert before == {**MINE, "photographs": PHOTOGRAPHS}


@pytest.mark.parametrize("given", [None, features("grid_cnn")])
def test_features_of_drawings_and_pixels_leave_the_recipe(given):
    before = {**MINE, "photographs": PHOTOGRAPHS}
    assert recipe.for_features(before, given) == (MINE, [])
    pixels = {**MINE, "training": {"inputs": "images"}}
    before = {**pixels, "photographs": PHOTOGRAPHS}
    assert recipe.for_features(before, features("boxes")) == (pixels, [])


def test_a_recipe_without_values_for_photographs_is_left():
    assert recipe.for_features(MINE, features("boxes")) == (MINE, [])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"backbone": {"hops": 3}}, "NAME of the recipe.*backbone.num_hops"),
        ({"backbone": {"num_hops": 2.5}}, "num_hops must be of type int"),
        ({"num_hops": 3}, "must be NAME=VALUE.*did you mean backbone.num_hops"),
    ],
)
def test_values_for_photographs_must_fit_the_recipe(table, message):
    before = {**MINE, "photographs": table}
    with pytest.raises(UserError, match=rf"^\[photographs\].*{message}"):
        recipe.for_features(before, features("boxes"))


@pytest.mark.parametrize("name", recipe.names())
def test_the_values_for_photographs_of_an_entry_fit_its_recipe(name):
    loaded = recipe.load_recipe(name)
    tables = loaded.get("photographs", {})
    count = sum(len(values) for values in tables.values())
    found, changed = recipe.for_features(loaded, features("boxes"))
    assert len(changed) == count
    assert found != recipe.for_features(loaded, None)[0] or not count
