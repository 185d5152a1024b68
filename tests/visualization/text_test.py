"""Text in images is drawn in a font that has its characters."""

import pytest
from PIL import ImageFont

from vqa_keras.visualization import text as texts

GREEK = "\u03b1\u03b2\u03b3"
PRIVATE = "\U0010fffc"


@pytest.fixture
def other_font(monkeypatch):
    """The only font beside the built-in one, where the system has it."""
    name = "DejaVuSans.ttf"
    try:
        ImageFont.truetype(name, 12)
    except OSError:
        pytest.skip(f"the system has no {name}")
    monkeypatch.setattr(texts, "_FONTS", ("no such font.ttf", name))
    texts._fonts.cache_clear()
    yield name
    texts._fonts.cache_clear()


def test_latin_text_has_the_built_in_font(other_font):
    built_in = texts.font(12)
    assert texts.font(12, "what color is it?") is built_in


def test_other_text_has_the_first_font_with_its_characters(other_font):
    found = texts.font(12, f"{GREEK} 3")
    assert found.getname()[0] == "DejaVu Sans"
    assert texts.width_of(GREEK, 12) == found.getlength(GREEK)


def test_text_that_no_font_has_is_drawn_in_the_built_in_font(other_font):
    assert texts.font(12, PRIVATE) is texts.font(12)
