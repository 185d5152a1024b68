import os

import numpy as np
import pytest
from PIL import Image

from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.images import UnreadableImage
from vqa_keras.writing.image_reader import ImageReader

COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


@pytest.fixture
def folder(tmp_path):
    for i, color in enumerate(COLORS):
        Image.new("RGB", (8, 6), color).save(tmp_path / f"{i}.png")
    return tmp_path


def image(path, drawing=None):
    return ImageQuestions("0", path, drawing)


def test_batches_are_in_order_with_bytes_pixels_and_size(folder):
    reader = ImageReader(folder, size=(3, 4))
    batches = [[image("2.png"), image("0.png")], [image("1.png")]]
    first, second = reader.read_batches(batches)
    (data, pixels, size), (_, other, _) = first
    assert data == (folder / "2.png").read_bytes()
    assert size == (6, 8)
    np.testing.assert_array_equal(pixels, np.full((3, 4, 3), COLORS[2]))
    np.testing.assert_array_equal(other, np.full((3, 4, 3), COLORS[0]))
    assert len(second) == 1
    assert list(reader.read_batches([])) == []


def test_the_next_batch_is_read_while_one_is_used(folder):
    requested = []

    def batches():
        for i in range(3):
            requested.append(i)
            yield [image(f"{i}.png")]

    reading = ImageReader(folder).read_batches(batches())
    next(reading)
    assert requested == [0, 1]


def test_an_error_takes_the_position_of_its_image(folder):
    (folder / "empty.png").touch()
    os.mkfifo(folder / "pipe.png")
    names = ["0.png", "no.png", "empty.png", "pipe.png", "\0.png", "1.png"]
    (results,) = ImageReader(folder).read_batches([list(map(image, names))])
    reasons = [getattr(item, "reason", "read") for item in results]
    assert reasons == [
        "read",
        "missing_file",
        "empty_file",
        "unreadable_file",
        "unreadable_file",
        "read",
    ]


def test_a_file_that_is_too_large_is_not_opened(folder):
    with open(folder / "large.png", "wb") as file:
        file.truncate(2**33)  # takes no room on the disk
    with pytest.raises(UnreadableImage, match="too_large"):
        ImageReader(folder).read(image("large.png"))


def test_a_drawing_is_drawn(folder):
    data = (folder / "1.png").read_bytes()
    reader = ImageReader(None, lambda drawing: data[drawing:], False)
    stored, pixels, _ = reader.read(image(None, 0))
    assert stored is None
    assert pixels.shape == (6, 8, 3)
