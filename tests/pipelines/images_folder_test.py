"""Images apart from the annotations, missing ones and unreadable ones."""

import json
import unicodedata

import pytest
from PIL import Image

from vqa_keras.errors import UserError

pytestmark = pytest.mark.beam

NAMES = ["caf\u00e9.png", "rooms\\door.png", "rooms/Za\u030c.png", "sea.png"]
NO_CNN = {"image_encoder": "none"}


@pytest.fixture
def annotations(tmp_path):
    folder = tmp_path / "annotations"
    folder.mkdir()
    rows = [f"{name},what is it?,a {i}\n" for i, name in enumerate(NAMES)]
    text = "image,question,answer\n" + "".join(rows)
    (folder / "train.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def images(tmp_path):
    """The images by the other slash and in the other Unicode form."""
    folder = tmp_path / "images"
    (folder / "rooms").mkdir(parents=True)
    for name in NAMES:
        name = name.replace("\\", "/")
        form = "NFD" if unicodedata.is_normalized("NFC", name) else "NFC"
        path = folder / unicodedata.normalize(form, name)
        Image.new("RGB", (20, 20), "red").save(path)
    return folder


@pytest.fixture
def write_own(write, annotations, tmp_path):
    def write_own(**changed):
        arguments = {
            "dataset": "jsonl",
            "input_folder": annotations,
            "features": NO_CNN,
            "validation_fraction": 0,
            **changed,
        }
        return write(tmp_path / "records", **arguments)

    return write_own


def test_images_are_found_in_their_folder_by_any_spelling(write_own, images):
    written = write_own(images=images)
    assert written.info.dropped == {}
    assert "images" not in written.info.arguments
    read = written.images("train")
    assert sorted(image.image_id for image in read) == sorted(NAMES)


def test_the_folder_of_the_images_may_move(write_own, images):
    write_own(images=images)
    moved = images.rename(images.with_name("moved"))
    assert write_own(images=moved).info.splits["train"].images == len(NAMES)


def test_an_error_names_the_first_missing_image(write_own, images):
    (images / "rooms" / "door.png").unlink()
    (images / "sea.png").unlink()
    with pytest.raises(
        UserError,
        match=r"Received: 2 of 4 \(2 missing_file; first missing below "
        r"--images or --input: rooms\\door.png\)",
    ):
        write_own(images=images)


def test_an_error_without_any_image_names_the_first(write_own):
    with pytest.raises(
        UserError,
        match="usable. Received: none .*4 missing_file; first missing .*: "
        "caf\u00e9.png",
    ):
        write_own()


def test_a_missing_folder_of_images_is_refused(write_own, images):
    with pytest.raises(UserError, match="--images must be the folder .*nowhe"):
        write_own(images=images / "nowhere")
    with pytest.raises(UserError, match="sort_of_clevr, .*Received: --images"):
        write_own(
            dataset="sort_of_clevr", images=images, validation_fraction=None
        )


def test_ten_unreadable_images_of_a_thousand_are_dropped_by_name(
    write_own, annotations, tmp_path
):
    lines = []
    for i in range(1000):
        name = f"{i}.png"
        Image.new("RGB", (4, 4)).save(tmp_path / name)
        lines.append(f"{name},is it {i}?,yes\n")
    for i in range(0, 1000, 100):
        (tmp_path / f"{i}.png").write_text("no image")
    text = "image,question,answer\n" + "".join(lines)
    (annotations / "train.csv").write_text(text)
    written = write_own(images=tmp_path, images_per_shard=500)
    assert written.info.splits["train"].images == 990
    assert written.info.dropped == {"not_an_image": 10}
    path = written.files.path(written.info.dropped_file)
    listed = path.read_text().splitlines()
    assert {json.loads(line)["file"] for line in listed} == {
        f"{i}.png" for i in range(0, 1000, 100)
    }
