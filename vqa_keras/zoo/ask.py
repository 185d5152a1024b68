r"""Answers a question about an image.

    python -m vqa_keras.zoo.ask runs/stacked --image=photo.png \
        --question="what color is the shape?" --output=answer.html

The argument is the folder of a run or the name of a shipped preset, such as
stacked_easy_vqa.

Prints the best answers with their probabilities. --output also draws their
attention, in a file whose ending decides the form:

    .html   a page with the question, the answers and every attention of the
            model: heat maps, weights of the words, words against regions
    .png    the image and, beside it, the heat map of every attention over the
            regions, without text; the image alone if the model has no such map
"""

import contextlib
import io
import pathlib

from absl import flags

from vqa_keras import visualization
from vqa_keras.command import run
from vqa_keras.errors import UserError
from vqa_keras.files import make_folder_of
from vqa_keras.files import write_atomically
from vqa_keras.images import UnreadableImage
from vqa_keras.images import decode
from vqa_keras.runs.run import check_takes_images
from vqa_keras.runs.run import load_run
from vqa_keras.zoo.arguments import one_run
from vqa_keras.zoo.outputs import check_output

_IMAGE = flags.DEFINE_string(
    "image", None, "Required. Image file.", required=True
)
_QUESTION = flags.DEFINE_string(
    "question", None, "Required. The question.", required=True
)
_TOP_K = flags.DEFINE_integer(
    "top_k", 5, "Number of answers to show.", lower_bound=1
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "File to draw the attention in: .html for a page, .png for heat maps "
    "beside the image. Without it no file is written.",
)
_ENDINGS = (".html", ".png")


def main(argv):
    folder = one_run(argv)
    path = _output_path(_OUTPUT.value)
    image = _read_image(_IMAGE.value)
    task, _ = load_run(folder)
    check_takes_images(task)
    answer = task.ask(image, _QUESTION.value, top_k=_TOP_K.value)
    for text, probability in zip(
        answer.answers, answer.probabilities, strict=True
    ):
        print(f"{probability:7.2%}  {text}")
    if answer.unused_words:
        print(f"not used     {', '.join(answer.unused_words)}")
    if path is not None:
        _show(path, image, answer)
        print(f"attention    {path}")


def _output_path(value):
    if value is None:
        return None
    path = pathlib.Path(value)
    if path.suffix.lower() not in _ENDINGS:
        raise UserError(
            f"--output must end in {' or '.join(_ENDINGS)}. Received: {value}"
        )
    with _naming_output():
        check_output(path)
    return path


@contextlib.contextmanager
def _naming_output():
    try:
        yield
    except UserError as error:
        raise UserError(
            f"--output cannot be written: {error.__cause__ or error}"
        ) from error


def _show(path, image, answer):
    """Writes the attention of an answer in the form of the file's ending."""
    if path.suffix.lower() == ".png":
        file = io.BytesIO()
        visualization.strip(image, answer.attention).save(file, format="PNG")
        content = file.getvalue()
    else:
        example = visualization.Example(
            image=image,
            question=_QUESTION.value,
            answers=answer.answers,
            probabilities=answer.probabilities,
            attention=answer.attention,
            words=answer.words,
            unused_words=answer.unused_words,
        )
        content = visualization.page(example)
    with _naming_output():
        write_atomically(make_folder_of(path), content)


def _read_image(path):
    try:
        return decode(pathlib.Path(path).read_bytes())
    except OSError as error:
        raise UserError(f"--image cannot be read: {error}") from error
    except UnreadableImage as error:
        raise UserError(f"--image={path}: {error}") from error


if __name__ == "__main__":
    run(main)
