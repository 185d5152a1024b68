import os
import unicodedata

import pytest

from vqa_keras.datasets.image_names import find_image
from vqa_keras.datasets.image_names import is_below

NAME = "caf\u00e9/T\u00fcr.jpg"  # composed


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("in_list", ["NFC", "NFD"])
def test_a_name_is_found_in_the_other_unicode_form(tmp_path, on_disk, in_list):
    path = tmp_path / unicodedata.normalize(on_disk, NAME)
    path.parent.mkdir()
    path.touch()
    name = unicodedata.normalize(in_list, NAME)
    assert find_image(tmp_path, name).samefile(path)


def test_each_part_of_a_name_may_have_another_form(tmp_path):
    folder, file = NAME.split("/")
    path = tmp_path / unicodedata.normalize("NFD", folder) / file
    path.parent.mkdir()
    path.touch()
    assert find_image(tmp_path, NAME) == path


def test_a_name_is_found_with_either_slash(tmp_path):
    path = tmp_path / "photos" / "caf\u00e9" / "door.jpg"
    path.parent.mkdir(parents=True)
    path.touch()
    found = find_image(tmp_path, "photos\\cafe\u0301\\door.jpg")
    assert found.samefile(path)
    flat = tmp_path / "photos\\window.jpg"
    flat.touch()
    assert find_image(tmp_path, "photos/window.jpg") == flat


def test_the_name_as_it_is_comes_first(tmp_path):
    for form in ("NFC", "NFD"):
        (tmp_path / unicodedata.normalize(form, "\u00fc.jpg")).touch()
    if len(os.listdir(tmp_path)) == 1:
        pytest.skip("this file system has one form only")
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "\u00fc.jpg")
        assert find_image(tmp_path, name).name == name


def test_a_missing_name_stays_as_it_is(tmp_path):
    assert find_image(tmp_path, "a\\b.jpg") == tmp_path / "a\\b.jpg"
    assert find_image(tmp_path, "a\0b/\u00fc.jpg").name == "\u00fc.jpg"


@pytest.mark.parametrize(
    ("name", "below"),
    [
        ("door.jpg", True),
        ("photos/../door.jpg", True),
        ("photos\\..\\door.jpg", True),
        ("../door.jpg", False),
        ("..\\door.jpg", False),
        ("photos\\..\\..\\door.jpg", False),
        ("/door.jpg", False),
        ("\\door.jpg", False),
        ("link/door.jpg", False),
        ("link\\door.jpg", False),
    ],
)
def test_no_spelling_of_a_name_may_leave_the_folder(tmp_path, name, below):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    assert is_below(os.path.realpath(folder), name) == below
