"""Records, `ask` and the commands decode an image to equal pixels."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.codecs import skip_without_codec
from vqa_keras import models
from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.image_encoders import GridCNNBackbone
from vqa_keras.image_encoders import raw_images
from vqa_keras.images import decode
from vqa_keras.text import QuestionTokenizer
from vqa_keras.writing.image_reader import ImageReader


def drawing():
    """Returns an image, red on the left, blue on the right, bright corner."""
    image = Image.new("RGB", (32, 16), (30, 30, 220))
    image.paste((220, 30, 30), (0, 0, 16, 16))
    image.paste((250, 240, 90), (0, 0, 4, 4))
    return image


def transparent(mode):
    image = drawing().convert(mode)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def sixteen_bits():
    ramp = np.tile(np.linspace(0, 65535, 32), (16, 1))
    return Image.fromarray(ramp.astype("uint16"))


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


# Format and options of every kind of file that the decoder takes.
FILES = {
    "JPEG": lambda: (drawing(), "JPEG", {}),
    "progressive JPEG": lambda: (drawing(), "JPEG", {"progressive": True}),
    "gray JPEG": lambda: (drawing().convert("L"), "JPEG", {}),
    "CMYK JPEG": lambda: (drawing().convert("CMYK"), "JPEG", {}),
    "JPEG, EXIF 3": lambda: (drawing(), "JPEG", {"exif": turned(3)}),
    "JPEG, EXIF 6": lambda: (drawing(), "JPEG", {"exif": turned(6)}),
    "JPEG, EXIF 7": lambda: (drawing(), "JPEG", {"exif": turned(7)}),
    "PNG": lambda: (drawing(), "PNG", {}),
    "PNG, EXIF 8": lambda: (drawing(), "PNG", {"exif": turned(8)}),
    "RGBA PNG": lambda: (transparent("RGB"), "PNG", {}),
    "LA PNG": lambda: (transparent("L"), "PNG", {}),
    "palette PNG": lambda: (
        drawing().convert("P"),
        "PNG",
        {"transparency": 0},
    ),
    "one-bit PNG": lambda: (drawing().convert("1"), "PNG", {}),
    "16-bit PNG": lambda: (sixteen_bits(), "PNG", {}),
    "GIF": lambda: (drawing(), "GIF", {}),
    "BMP": lambda: (drawing(), "BMP", {}),
    "palette BMP": lambda: (drawing().convert("P"), "BMP", {}),
    "WebP": lambda: (drawing(), "WEBP", {}),
    "RGBA WebP": lambda: (transparent("RGB"), "WEBP", {"lossless": True}),
    "TIFF": lambda: (drawing(), "TIFF", {}),
    "16-bit TIFF": lambda: (sixteen_bits(), "TIFF", {}),
    "PPM": lambda: (drawing(), "PPM", {}),
    "AVIF": lambda: (drawing(), "AVIF", {}),
    "AVIF, EXIF 6": lambda: (drawing(), "AVIF", {"exif": turned(6)}),
    "RGBA AVIF": lambda: (transparent("RGB"), "AVIF", {}),
    "gray AVIF": lambda: (drawing().convert("L"), "AVIF", {}),
    "JPEG 2000": lambda: (drawing(), "JPEG2000", {}),
    "lossy JPEG 2000": lambda: (
        drawing(),
        "JPEG2000",
        {"irreversible": True, "quality_layers": [20]},
    ),
    "JPEG 2000 codestream": lambda: (drawing(), "JPEG2000", {"no_jp2": True}),
    "JPEG 2000 of tiles": lambda: (
        drawing(),
        "JPEG2000",
        {"tile_size": (8, 8), "num_resolutions": 2},
    ),
    "RGBA JPEG 2000": lambda: (transparent("RGB"), "JPEG2000", {}),
    "16-bit JPEG 2000": lambda: (sixteen_bits(), "JPEG2000", {}),
    "HEIC": lambda: (drawing(), "HEIF", {}),
    "HEIC, turned": lambda: (
        drawing(),
        "HEIF",
        {"exif": turned(6).tobytes()},
    ),
}


@pytest.fixture(scope="module")
def task():
    encoder = GridCNNBackbone([4], [2], [2], image_shape=(8, 8, 3))
    words = QuestionTokenizer(["[PAD]", "[UNK]", "what"], sequence_length=2)
    return models.VQA(
        models.VanillaBackbone(
            3, embedding_dim=2, hidden_dim=2, image_encoder=encoder
        ),
        2,
        models.VQAPreprocessor(words, ["yes", "no"], (8, 8)),
    )


@pytest.fixture
def seen(monkeypatch):
    """Collects the pixels that reach the model, before they are resized."""
    pixels = []
    resize = raw_images.resize

    def record(image, size):
        pixels.append(image)
        return resize(image, size)

    monkeypatch.setattr(raw_images, "resize", record)
    return pixels


@pytest.mark.parametrize("name", FILES)
def test_ask_and_records_decode_equal_pixels(task, seen, tmp_path, name):
    image, form, options = FILES[name]()
    skip_without_codec(form)
    path = tmp_path / "image"
    image.save(path, form, **options)
    data = path.read_bytes()
    reader = ImageReader(tmp_path)
    stored, recorded, _ = reader.read(ImageQuestions("0", "image"))
    with Image.open(path) as opened:
        probabilities = [
            task.ask(given, "what").probabilities
            for given in (path, str(path), data, opened, recorded)
        ]
    assert len(seen) == 5
    for pixels in [*seen, decode(path), decode(stored)]:
        np.testing.assert_array_equal(pixels, recorded)
    assert all(p == probabilities[0] for p in probabilities)


@pytest.mark.parametrize("form", ["JPEG", "AVIF", "HEIF"])
def test_a_rotated_photograph_is_decoded_upright(form):
    skip_without_codec(form)
    file = io.BytesIO()
    drawing().save(file, form, exif=turned(6).tobytes(), quality=95)
    pixels = decode(file.getvalue())
    assert pixels.shape == (32, 16, 3)
    assert pixels[4, 8, 0] > 180 > 80 > pixels[28, 8, 0]  # red is above


@pytest.mark.parametrize("highest", [200, 65535])
def test_a_pil_image_of_integers_decodes_as_its_array(highest):
    array = np.full((2, 3), highest, "uint16")
    made = [Image.fromarray(array), Image.fromarray(array.astype("int32"))]
    for image in made:
        np.testing.assert_array_equal(decode(image), decode(array))


def test_a_pil_image_is_not_changed():
    image = Image.open(io.BytesIO(_turned_file()))
    decode(image)
    assert image.size == (32, 16)
    assert image.getexif()[0x0112] == 6


def _turned_file():
    file = io.BytesIO()
    drawing().save(file, "JPEG", exif=turned(6))
    return file.getvalue()


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((2, 3), 7, "uint8"), 7),
        (np.full((2, 3, 1), 7, "int64"), 7),
        (np.full((2, 3, 3), 6.6, "float32"), 7),
        (np.full((2, 3), 65535, "uint16"), 255),
        (np.full((2, 3), 200, "uint16"), 200),
        (np.dstack([np.zeros((2, 3, 3), "uint8")] + [np.zeros((2, 3))]), 255),
    ],
)
def test_arrays_of_values_0_to_255_are_taken(array, expected):
    if array.shape[-1] == 4:
        array = array.astype("uint8")
    pixels = decode(array)
    assert pixels.shape == (2, 3, 3) and pixels.dtype == np.uint8
    assert (pixels == expected).all()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((2, 3, 3), 0.5), "0 to 255. Received: floats from 0.5 to 0.5"),
        (np.full((2, 3, 3), -1.0), "floats from -1 to -1, which are scaled"),
        (np.full((2, 3, 3), 256), "0 to 255. Received: int64 from 256 to 256"),
        (np.full((2, 3, 3), -7), "0 to 255. Received: int64 from -7"),
        (np.full((2, 3, 3), np.nan), "Received: float64 from nan"),
        (np.full((2, 3, 3), np.inf), "Received: float64 from inf"),
        (np.zeros((2, 3, 2)), r"or \(height, width, 4\). Received: ndarray"),
        (np.zeros((1, 2, 3, 3), "uint8"), r"shape \(1, 2, 3, 3\)"),
        (np.zeros((2, 3), "bool"), "dtype bool"),
        ("[1, 2]", "No such file"),
    ],
)
def test_arrays_and_files_without_pixels_are_refused(array, message):
    with pytest.raises((ValueError, OSError), match=message):
        decode(array)


def test_a_file_that_is_no_image_is_named(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no image")
    with pytest.raises(
        ValueError, match=r"notes.txt, not_an_image \(first bytes b'no image'"
    ):
        decode(path)
