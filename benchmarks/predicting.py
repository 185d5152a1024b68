"""Compares `zoo.predict` with decoding, then the bare compiled graph.

    python benchmarks/predicting.py [--images=1000 --broken=5 --rounds=3]
        [--image_encoder=grid_cnn]

Answers one question about each image with `stacked` at the size of its recipe.
The files are JPEG and PNG of ten sizes, from 64 x 48 to 1280 x 960; the broken
ones are cut in half.

    decode          `images.decode` and `resize` of every file, one after the
                    other.
    graph           a `tf.function` of CNN, backbone, head and softmax, called
                    with batches of prepared pixels and token ids.
    decode, graph   both, one after the other.
    predict         all that `zoo.predict` does once the run is loaded: checks
                    the lines of the input, decodes in threads ahead of the
                    graph, and writes the answers.

The ways alternate; ratios are medians over the rounds.
"""

import json
import pathlib
import tempfile

import numpy as np
import tensorflow as tf
from absl import flags
from PIL import Image
from support import rounds

from vqa_keras import image_encoders
from vqa_keras import models
from vqa_keras.command import run
from vqa_keras.datasets.asked_questions import AskedQuestions
from vqa_keras.image_encoders.resize import resize
from vqa_keras.images import UnreadableImage
from vqa_keras.images import decode
from vqa_keras.runs.answer_many import answer_many
from vqa_keras.runs.answers_file import AnswersFile
from vqa_keras.text import QuestionTokenizer

_IMAGES = flags.DEFINE_integer("images", 1000, "Images.", lower_bound=1)
_BROKEN = flags.DEFINE_integer("broken", 5, "Broken images.", lower_bound=0)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 32, "Questions per batch.", lower_bound=1
)
_IMAGE_ENCODER = flags.DEFINE_string(
    "image_encoder",
    "grid_cnn",
    "grid_cnn, or a CNN of keras.applications with random weights.",
)
_SIZES = [(64 * i, 48 * i) for i in (1, 2, 3, 4, 5, 7, 9, 12, 16, 20)]
_QUESTION = "what is the color of the shape?"


def main(argv):
    task = _task()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        paths = [_write_image(folder, i) for i in range(_IMAGES.value)]
        lines = [
            {"question_id": i, "image": path.name, "question": _QUESTION}
            for i, path in enumerate(paths)
        ]
        source = folder / "questions.jsonl"
        source.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        decoded = _decode(task, paths)
        graph = _graph(task)
        ways = {
            "decode, graph": lambda: graph(_decode(task, paths)),
            "decode": lambda: _decode(task, paths),
            "graph": lambda: graph(decoded),
            "predict": lambda: _predict(task, source),
        }
        seconds = rounds.measure(ways, _ROUNDS.value)
    work = dict.fromkeys(seconds, len(paths))
    rounds.print_table(seconds, "decode, graph", work, "questions")


def _decode(task, paths):
    """Returns the pixels of each readable image at the size of the CNN."""
    pixels = []
    for path in paths:
        try:
            size = task.preprocessor.image_size
            pixels.append(resize(decode(path), size))
        except UnreadableImage:
            pass
    return pixels


def _graph(task):
    compiled = tf.function(
        lambda inputs: task.probabilities(task(inputs, training=False)),
        autograph=False,
    )
    size = _BATCH_SIZE.value
    token_ids = tf.constant(task.preprocessor.tokenizer([_QUESTION] * size))

    def compute(pixels):
        for first in range(0, len(pixels), size):
            batch = pixels[first : first + size]
            batch += batch[-1:] * (size - len(batch))
            images = tf.constant(np.stack(batch))
            compiled({"images": images, "token_ids": token_ids})

    return compute


def _predict(task, source):
    """Writes the answers as the command does, and counts them."""
    questions = AskedQuestions(source)
    total = questions.count()
    file = AnswersFile(source.with_name("answers.jsonl"), {})
    file.start()
    batches = answer_many(
        task, questions, questions.root, batch_size=_BATCH_SIZE.value
    )
    assert sum(file.write(batches)) == total
    assert file.counts.total() == min(_BROKEN.value, total)


def _write_image(folder, number):
    """Saves an image, a JPEG or a PNG file; the first ones are cut in half."""
    rng = np.random.default_rng(number)
    cells = rng.integers(0, 256, (12, 16, 3), dtype="uint8")
    size = _SIZES[number % len(_SIZES)]
    image = Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC)
    ending = "png" if number // len(_SIZES) % 4 == 3 else "jpg"
    path = folder / f"{number}.{ending}"
    image.save(path, quality=90)
    if number < _BROKEN.value:
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
    return path


def _task():
    words = ["[PAD]", "[UNK]", *"what is the color of shape".split()]
    answers = [f"answer {i}" for i in range(13)]
    encoder = _image_encoder()
    size = encoder.input_shape[1:3]
    preprocessor = models.VQAPreprocessor(
        QuestionTokenizer(words, sequence_length=9), answers, size
    )
    backbone = models.StackedBackbone(
        len(words),
        embedding_dim=64,
        hidden_dim=128,
        attention_dim=64,
        normalize_regions=True,
        image_encoder=encoder,
    )
    return models.VQA(backbone, len(answers), preprocessor, hidden_dim=256)


def _image_encoder():
    name = _IMAGE_ENCODER.value
    if name == "grid_cnn":
        return image_encoders.load(name)
    return image_encoders.load(name, weights=None)


if __name__ == "__main__":
    run(main)
