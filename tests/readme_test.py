"""The code of the README runs as it is printed there."""

import pathlib
import re

import pytest

README = pathlib.Path(__file__).parents[1] / "README.md"
SECTIONS = """
    Install Quickstart Models Train_on_your_own_photographs VQA_v2
    Layers_in_your_own_model Serving Documentation Contributing License Citation
""".split()


def block(heading):
    """Returns the code block of a section that is marked to be run."""
    text = README.read_text(encoding="utf-8")
    (section,) = re.findall(rf"\n## {heading}\n(.*?)(?=\n## |\Z)", text, re.S)
    (code,) = re.findall(
        r"<!-- run by tests/readme_test.py -->\n```python\n(.*?)```",
        section,
        re.S,
    )
    return code


def test_the_sections_stand_in_the_order_in_which_they_are_needed():
    text = README.read_text(encoding="utf-8")
    found = re.findall(r"^## (.*)$", text, re.M)
    assert found == [name.replace("_", " ") for name in SECTIONS]


def test_every_linked_file_and_section_exists():
    text = README.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 20
    sections = {f"#{name.lower().replace('_', '-')}" for name in SECTIONS}
    for link in links:
        if link.startswith("#"):
            assert link in sections
        elif "://" not in link:
            assert (README.parent / link).is_file(), link


def test_the_quickstart_answers_right_and_shows_its_heat_maps(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(block("Quickstart"), "README.md", "exec"), names)
    assert capsys.readouterr().out.splitlines()[0] == "blue"
    assert names["answer"].attention["regions_1"].shape == (8, 8)
    page = (tmp_path / "answer.html").read_text(encoding="utf-8")
    assert "what color is the shape?" in page
    assert page.count("data:image/png") >= 3  # the image, two hops


def test_a_part_of_a_recipe_is_replaced():
    names = {}
    exec(compile(block("Models"), "README.md", "exec"), names)
    contextualizer = names["task"].backbone.contextualizer
    assert type(contextualizer).__name__ == "SelfAttentionContextualizer"


@pytest.mark.slow
def test_a_layer_trains_in_a_model_that_is_not_ours():
    code = block("Layers in your own model")
    assert len([line for line in code.splitlines() if line]) <= 20
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    losses = names["history"].history["loss"]
    assert losses[-1] < 0.9 * losses[0]
