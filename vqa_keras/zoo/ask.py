r"""Asks a run a question about an image and draws where it looked.

    python -m vqa_keras.zoo.ask runs/stacked --image=photo.png \
        --question="what color is the shape?"

Prints the best answers with their probabilities and writes the picture with
every attention of the model: heat maps, the weights of the question's words,
and what words and regions look at.
"""

import pathlib

from absl import flags

from vqa_keras import visualization
from vqa_keras.command import run
from vqa_keras.data.images import UnreadableImage
from vqa_keras.data.images import decode_image
from vqa_keras.errors import UserError
from vqa_keras.zoo import runs
from vqa_keras.zoo.arguments import one_run

_IMAGE = flags.DEFINE_string("image", None, "Picture file.", required=True)
_QUESTION = flags.DEFINE_string(
    "question", None, "The question.", required=True
)
_TOP_K = flags.DEFINE_integer("top_k", 5, "Answers to show.", lower_bound=1)
_OUTPUT = flags.DEFINE_string("output", "answer.png", "Heat map file, PNG.")


def main(argv):
    folder = one_run(argv)
    image = _read_image(_IMAGE.value)
    task, _ = runs.load_run(folder)
    runs.check_takes_pictures(task)
    answer = task.ask(image, _QUESTION.value, top_k=_TOP_K.value)
    for text, probability in zip(
        answer.answers, answer.probabilities, strict=True
    ):
        print(f"{probability:7.2%}  {text}")
    picture = visualization.figure(
        image,
        _QUESTION.value,
        answer.answers,
        answer.probabilities,
        answer.attention,
        answer.words,
    )
    path = pathlib.Path(_OUTPUT.value)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, format="PNG")
    except OSError as error:
        raise UserError(f"--output cannot be written: {error}") from error
    print(f"heat map     {path}")


def _read_image(path):
    try:
        return decode_image(pathlib.Path(path).read_bytes())
    except OSError as error:
        raise UserError(f"--image cannot be read: {error}") from error
    except UnreadableImage as error:
        raise UserError(f"--image={path}: {error}") from error


if __name__ == "__main__":
    run(main)
