"""Exports a run as a SavedModel for TF Serving.

    python -m vqa_keras.zoo.export runs/stacked --output=models/stacked

The argument is the folder of a run or the name of a shipped preset, such as
stacked_easy_vqa.

Writes models/stacked/1/ with the signatures `serving_default` (image files and
question strings) and `tokens` (grids of features and token ids); both return
answers, scores and the attention of every hop, and neither needs
tensorflow_text or vqa_keras where it is loaded. `readable` says which images
`serving_default` decoded; the others cost their own rows alone.
"""

from absl import flags

from vqa_keras import serving
from vqa_keras.command import run
from vqa_keras.runs.run import check_takes_images
from vqa_keras.runs.run import load_run
from vqa_keras.zoo.arguments import one_run
from vqa_keras.zoo.outputs import check_writable

_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "Required. Folder for the versions of the model.",
    required=True,
)
_VERSION = flags.DEFINE_integer(
    "version",
    1,
    "Version: the name of the subfolder, which must be new.",
    lower_bound=1,
)
_MAX_MEGAPIXELS = flags.DEFINE_float(
    "max_megapixels",
    25,
    "Millions of pixels of an image, which is refused above it by its header.",
    lower_bound=0.000001,
)
_TOP_K = flags.DEFINE_integer(
    "top_k", 5, "Number of answers to return.", lower_bound=1
)


def main(argv):
    folder = one_run(argv)
    check_writable(_OUTPUT.value)
    task, _ = load_run(folder)
    check_takes_images(task)
    path = serving.export(
        task,
        _OUTPUT.value,
        version=_VERSION.value,
        top_k=_TOP_K.value,
        max_megapixels=_MAX_MEGAPIXELS.value,
    )
    print(f"saved model  {path}")


if __name__ == "__main__":
    run(main)
