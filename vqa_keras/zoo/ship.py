r"""Turns a run into a preset that ships with the package.

    python -m vqa_keras.zoo.ship runs/stacked --image_encoder=grid_cnn \
        --output=zoo/stacked/preset

The preset holds neither the CNN, which `VQA.from_preset` loads by its name and
puts back, nor the state of the optimizer. example.png in its folder is an image
to ask about; `SHIPPED` in vqa_keras/presets.py gives the preset its name.
"""

import dataclasses
import os
import pathlib

from absl import flags

from vqa_keras import preset_files
from vqa_keras import presets
from vqa_keras.command import run
from vqa_keras.image_encoders import weights_sha256
from vqa_keras.lock import one_writer
from vqa_keras.runs.results import RESULTS
from vqa_keras.runs.results import files_of
from vqa_keras.runs.run import check_takes_images
from vqa_keras.runs.run import load_run
from vqa_keras.zoo.arguments import one_run

_OUTPUT = flags.DEFINE_string(
    "output", None, "Required. Folder of the preset.", required=True
)
_IMAGE_ENCODER = flags.DEFINE_string(
    "image_encoder",
    None,
    "Required. Name of the CNN of the run's records, such as grid_cnn.",
    required=True,
)


def main(argv):
    task, results = load_run(one_run(argv))
    check_takes_images(task)
    name = _IMAGE_ENCODER.value
    sha256 = weights_sha256(task.backbone.image_encoder)
    presets.load_image_encoder(name, sha256)  # refuses another CNN
    output = pathlib.Path(_OUTPUT.value)
    # Beside the folder: results.json names all files in it.
    whole = pathlib.Path(os.path.realpath(output))
    with one_writer(output, whole.with_name(f".{whole.name}.lock")):
        _write(output, task, results, name, sha256)
    print(f"preset       {output}")


def _write(output, task, results, name, sha256):
    (output / RESULTS).unlink(missing_ok=True)
    task.without_image_encoder().save_to_preset(str(output))
    presets.set_image_encoder(output, name)
    shipped = dataclasses.replace(
        results,
        image_encoder=name,
        weights_sha256=sha256,
        files=files_of(output),
    )
    preset_files.write_results(output, shipped.to_json())


if __name__ == "__main__":
    run(main)
