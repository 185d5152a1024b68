"""Every card has the same sections, and its code builds the entry."""

import re

import pytest

import vqa_keras
from vqa_keras import zoo

SECTIONS = [
    "Formula",
    "Use",
    "Settings",
    "Our result",
    "What differs from the paper",
    "Published results",
    "Limits",
]
OF_ONE_CARD = {"What makes the heat maps true"}


def card(entry):
    return (zoo.entries() / entry / "README.md").read_text(encoding="utf-8")


def code(entry):
    """Returns the lines of the section "Use" that are Python."""
    section = card(entry).split("\n## Use\n")[1].split("\n## ")[0]
    (block,) = re.findall(r"```python\n(.*?)```", section, re.S)
    return block


@pytest.mark.parametrize("entry", zoo.names())
def test_a_card_has_its_sections_in_their_order(entry):
    sections = re.findall("^## (.*)$", card(entry), re.M)
    assert [s for s in sections if s not in OF_ONE_CARD] == SECTIONS
    assert card(entry).startswith(f"# {entry}\n")


@pytest.mark.slow
@pytest.mark.parametrize("entry", zoo.names())
def test_a_card_names_an_attention_of_the_model_that_it_builds(entry):
    lines = code(entry).splitlines()
    (build,) = [line for line in lines if f'build_model("{entry}"' in line]
    names = {"vqa_keras": vqa_keras}
    exec(build, names)
    attention = names["task"].backbone.output["attention"]
    named = re.findall(r"task\.attend\(.*\)\[\"(\w+)\"\]", code(entry))
    assert set(named) <= attention.keys()
    assert bool(named) == bool(attention)
