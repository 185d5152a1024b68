"""Compares writing the records of photographs with running the CNN alone.

    python benchmarks/extraction.py [--images=192 --rounds=5]
        [--image_encoder=MobileNetV2]

Each way processes the same JPEG files of 640 x 480 pixels once with the same
CNN. Its weights are random: they cost as much time as trained ones.

    bare loop           reads the files of a batch, decodes them with
                        tf.io.decode_jpeg, scales them, runs the CNN on them
                        and discards its output.
    records             the work of a pipeline's worker: also checks each image
                        and rotates it by EXIF, stores its bytes, encodes the
                        grids with three questions per image, and writes and
                        hashes the shard. Threads read images beside the CNN.

The ways alternate; ratios are medians over the rounds.
"""

import itertools
import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf
from absl import flags
from PIL import Image
from support import rounds

from vqa_keras import image_encoders
from vqa_keras.command import run
from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.datasets.question import Question
from vqa_keras.writing.record_maker import RecordMaker
from vqa_keras.writing.record_maker import RecordOptions
from vqa_keras.writing.record_text import RecordText
from vqa_keras.writing.record_text import TextOptions
from vqa_keras.writing.record_text import count_text
from vqa_keras.writing.record_text import write_text
from vqa_keras.writing.shards import write_shard
from vqa_keras.writing.work_folder import WorkFolder

_IMAGES = flags.DEFINE_integer("images", 192, "Images.", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds.", lower_bound=1)
_IMAGE_ENCODER = flags.DEFINE_string(
    "image_encoder", "MobileNetV2", "CNN of keras.applications."
)
_BATCH_SIZE = 32
_IMAGE_SIZE = (640, 480)  # width and height, a common size in COCO


def main(argv):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        plan = [_image(folder, i) for i in range(_IMAGES.value)]
        encoder = image_encoders.load(_IMAGE_ENCODER.value, weights=None)
        encoder.save(folder / "cnn.keras")
        bare = _bare(folder, plan)
        records = _records(folder, plan)
        ways = {"bare loop": bare, "records": records}
        seconds = rounds.measure(ways, _ROUNDS.value)
    work = dict.fromkeys(ways, len(plan))
    rounds.print_table(seconds, "bare loop", work, "images")


def _bare(folder, plan):
    model = keras.saving.load_model(folder / "cnn.keras", compile=False)
    model.compile(jit_compile=False)
    size = model.input_shape[1:3]

    def loop():
        for first in range(0, len(plan), _BATCH_SIZE):
            pixels = []
            for image in plan[first : first + _BATCH_SIZE]:
                data = tf.io.read_file(str(folder / image.path))
                decoded = tf.io.decode_jpeg(data, channels=3)
                pixels.append(tf.image.resize(decoded, size, antialias=True))
            model.predict_on_batch(tf.stack(pixels))

    return loop


def _records(folder, plan):
    options = RecordOptions(
        "jsonl",
        str(folder),
        batch_size=_BATCH_SIZE,
        image_encoder=str(folder / "cnn.keras"),
        levels=["grid"],
    )
    maker = RecordMaker(options)
    WorkFolder(folder).path.mkdir()
    text = RecordText(
        *write_text(count_text(plan, TextOptions()), folder, TextOptions())
    )
    numbers = itertools.count()

    def write():
        path = folder / f"{next(numbers)}.tfrecord"
        made = maker.records("train", plan, text)
        write_shard(path, (one.record for one in made))
        path.unlink()

    return write


def _image(folder, number):
    """Saves an image; returns its `ImageQuestions`."""
    rng = np.random.default_rng(number)
    cells = rng.integers(0, 256, (12, 16, 3), dtype="uint8")
    image = Image.fromarray(cells).resize(_IMAGE_SIZE, Image.Resampling.BICUBIC)
    path = f"{number}.jpg"
    image.save(folder / path, quality=90)
    questions = [_question(f"{number}-{i}") for i in range(3)]
    return ImageQuestions(str(number), path, questions=questions)


def _question(question_id):
    question = "what is in the image?"
    return Question(question_id, question, "what", "other", ["colors"])


if __name__ == "__main__":
    run(main)
