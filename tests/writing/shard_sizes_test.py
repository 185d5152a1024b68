"""Large images make smaller shards, and small ones those of before."""

import os

import numpy as np
import pytest
from PIL import Image

from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.writing import shard_sizes as module
from vqa_keras.writing.shard_sizes import CONVERTED
from vqa_keras.writing.shard_sizes import SHARD_MEGAPIXELS
from vqa_keras.writing.shard_sizes import ImageWork
from vqa_keras.writing.shard_sizes import shard_sizes


@pytest.fixture
def table(tmp_path):
    with QuestionTable(tmp_path / "questions.sqlite") as table:
        yield table


def fill(table, **splits):
    for split, paths in splits.items():
        for number, path in enumerate(paths):
            table.add_image(split, str(number), path)
            table.add_question(split, str(number), Question(f"{number}", "?"))
    table.finish()


def megapixels(path):
    return float(path)


def test_small_images_are_divided_by_their_number(table):
    fill(table, train=["0.5"] * 11, test=["0.5"] * 3)
    expected = {"train": [2, 3, 3, 3], "test": [3]}
    assert shard_sizes(table, 3) == expected
    assert shard_sizes(table, 3, megapixels) == expected


def test_a_shard_of_large_images_is_divided_into_equal_parts(table):
    # 512 photographs of a telephone: 6,242 megapixels.
    fill(table, train=["12.19"] * 512)
    assert shard_sizes(table, 512, megapixels) == {"train": [32] * 16}


def test_only_the_shard_that_holds_the_large_images_is_divided(table):
    fill(table, train=["0.1"] * 12 + ["50"] * 12)
    assert shard_sizes(table, 12, megapixels) == {"train": [12, 6, 6]}


def test_an_image_above_the_limit_is_a_shard_of_its_own(table):
    fill(table, train=["1", "900", "1", "1"])
    assert shard_sizes(table, 4, megapixels) == {"train": [1, 1, 2]}


def test_no_shard_exceeds_the_limit_by_more_than_an_image(table):
    works = np.random.default_rng(0).uniform(0.1, 50, 300).round(2)
    fill(table, train=map(str, works))
    sizes = shard_sizes(table, 256, megapixels)["train"]
    assert sum(sizes) == 300 and min(sizes) >= 1
    for part in np.split(works, np.cumsum(sizes)[:-1]):
        assert part.sum() < SHARD_MEGAPIXELS + 50


@pytest.fixture
def work(tmp_path):
    """Returns `work(name, mode, format)`: of an image of 200 x 100 pixels."""

    def work(name, mode="RGB", store_images=True, max_pixels=10**6, **save):
        pixels = np.zeros((100, 200, 4), "uint8")
        image = Image.fromarray(pixels).convert(mode)
        image.save(tmp_path / name, **save)
        return ImageWork(tmp_path, store_images, max_pixels)(name)

    return work


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_an_image_stored_as_it_is_counts_its_megapixels(work, name):
    assert work(name) == pytest.approx(0.02)


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("a.jpg", {"exif": turned()}),
        ("a.png", {"mode": "RGBA"}),
        ("a.tif", {}),  # the header is at the end
        ("a.webp", {}),
        ("a.jp2", {}),
        ("a.avif", {}),
    ],
)
def test_an_image_stored_as_another_png_counts_more(work, name, save):
    assert work(name, **save) == pytest.approx(0.02 * CONVERTED)
    assert work(name, store_images=False, **save) == pytest.approx(0.02)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF:UserWarning")
def test_a_header_behind_the_first_bytes_is_read(work, monkeypatch):
    monkeypatch.setattr(module, "_HEADER_BYTES", 16)
    for name in ("a.jpg", "a.png", "a.tif"):
        assert work(name, store_images=False) == pytest.approx(0.02), name


def test_what_is_dropped_before_it_is_decoded_counts_nothing(work, tmp_path):
    assert work("a.png", max_pixels=19_999) == 0
    (tmp_path / "a.txt").write_text("no image")
    os.mkfifo(tmp_path / "pipe.png")
    find = ImageWork(tmp_path)
    names = ("a.txt", "none.png", "pipe.png", "a\0.png", None)
    assert [find(name) for name in names] == [0] * 5
