"""Reads outputs as users do, and returns all that they would notice, as JSON.

A process that starts forks must not call these: they compute.
"""

import dataclasses
import hashlib
import json
import os
import re

import numpy as np

_QUESTIONS = ["what color is thing 1 of 3?", "what is unknown?", "color"]
RUNS = ("run", "pixels", "shipped")
TEXTS = ("answers.jsonl", "figures.json", "report.html", "answer.html")
# Of results.json and presets: differ between two undisturbed runs.
_OF_THE_PROCESS = {
    "seconds",
    "fit_seconds",
    "command",
    "commit",
    "resumed_after_epoch",
    "files",
    "sha256",
    "configs",
}


def load_run(folder):
    """Reads a run: its task and its results."""
    from vqa_keras.runs.run import load_run

    task, results = load_run(str(folder))
    return {**_task(task), "results": results.to_json()}


def from_preset(folder):
    """Reads a preset: its task."""
    from vqa_keras.models import VQA

    return _task(VQA.from_preset(str(folder)))


def image_encoder(folder):
    """Reads the image encoder of a run, trained inside its task."""
    from vqa_keras import image_encoders

    model = image_encoders.load(str(folder))
    return {"grid": _array(model(np.stack(_images(model))))}


def keras_file(folder):
    """Reads a task that was saved as a `.keras` file."""
    import keras

    return _task(keras.models.load_model(str(folder / "task.keras")))


def records(folder):
    """Reads records: every question, batch, word, answer and the CNN."""
    from vqa_keras.data import Records
    from vqa_keras.data.training_answers import training_answers
    from vqa_keras.image_encoders import weights_sha256

    opened = Records(folder)
    found = {
        "info": _text(dataclasses.asdict(opened.info)),
        "words": opened.vocabulary,
        "answers": opened.answers,
        "shapes": _text(opened.feature_shapes("regions")),
        "training_answers": _text(training_answers(opened)),
    }
    for split in opened.info.splits:
        images = [_text(image) for image in opened.images(split)]
        found[f"images/{split}"] = _digest(*images)
        batches = opened.load(split, 8)
        arrays = [b for x, y in batches for b in (*x.values(), y)]
        found[f"batches/{split}"] = _digest(*map(_array, arrays))
    encoder = opened.image_encoder()
    found["image_encoder"] = weights_sha256(encoder)
    found["grid"] = _array(encoder(np.stack(_images(encoder))))
    return found


def regions(folder):
    """Reads region features; an unreadable image raises ValueError."""
    import pathlib
    import tempfile

    from vqa_keras.datasets.question import ImageQuestions
    from vqa_keras.writing.region_features import RegionFeatures
    from vqa_keras.writing.region_index import index_region_features
    from vqa_keras.writing.regions import UnreadableFeatures

    found, refused = {}, []
    with tempfile.TemporaryDirectory() as work:
        index = pathlib.Path(work, "index.sqlite")
        scan = index_region_features([folder], index)
        features = RegionFeatures(scan.region_index)
        for number in range(6):
            try:
                image = ImageQuestions(f"image-{number}", None)
                found[str(number)] = _text(features.read(image))
            except UnreadableFeatures as error:
                refused.append(f"image-{number}: {error.reason}")
        features.close()
    if refused:
        raise ValueError("; ".join(refused))
    return found


def exported(folder):
    """Reads a SavedModel: answers, scores and attention."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder / "1"))
    serve = loaded.signatures["serving_default"]
    images = [tf.io.encode_png(image).numpy() for image in _images(None)]
    outputs = serve(
        images=tf.constant(images),
        questions=tf.constant(_QUESTIONS[: len(images)]),
    )
    return {name: _array(value) for name, value in sorted(outputs.items())}


def text(path):
    """Reads a file of text."""
    return {"text": path.read_text(encoding="utf-8")}


def save_keras(run, folder):
    """Saves the task of a run as `folder/task.keras`."""
    from vqa_keras.models import VQA

    os.makedirs(folder)
    VQA.from_preset(str(run)).save(str(folder / "task.keras"))
    return {}


def without_times(signature):
    """Returns a signature without what two equal commands differ in."""
    if isinstance(signature, dict):
        return {
            name: without_times(value)
            for name, value in signature.items()
            if name not in _OF_THE_PROCESS
        }
    if isinstance(signature, list):
        return [without_times(value) for value in signature]
    return signature


def _task(task):
    from vqa_keras.image_encoders import weights_sha256

    processor = task.preprocessor
    encoder = task.backbone.image_encoder
    configs = {
        "tokenizer": _config(processor.tokenizer),
        "backbone": _config(task.backbone),
        "config": _config(task),
    }
    found = {
        "answers": processor.answers,
        "words": processor.tokenizer.get_vocabulary(),
        "preprocessor": _text([processor.image_size]),
        "configs": {name: _digest(text) for name, text in configs.items()},
        **{n: _digest(_without_counters(t)) for n, t in configs.items()},
        "activation": str(task.activation),
        "weights": _digest(*map(_array, task.get_weights())),
        "encoder": encoder and weights_sha256(encoder),
    }
    if encoder is not None:
        raw = {"images": _images(None), "questions": _QUESTIONS[:2]}
        inputs = processor.call(raw)
        outputs = task.backbone(inputs, training=False)
        found["attention"] = {
            name: _array(value)
            for name, value in sorted(outputs["attention"].items())
        }
        found["logits"] = _array(task(inputs, training=False))
    return found


def _images(model):
    side = 56 if model is None else model.input_shape[1]
    rng = np.random.default_rng(5)
    return list(rng.integers(0, 256, (2, side, side, 3), dtype="uint8"))


def _config(layer):
    return json.dumps(layer.get_config(), sort_keys=True, default=str)


def _without_counters(config):
    # Keras counts the unnamed layers of a process, and a run that continues
    # builds fewer: adam_12 is then adam_4.
    return re.sub(r'("name": "[a-z_0-9]*?)(_\d+)?"', r'\1"', config)


def _array(values):
    from keras import ops

    if not isinstance(values, np.ndarray):
        values = ops.convert_to_numpy(values)
    if values.dtype == object:
        return str(values.tolist())
    return _digest(f"{values.shape} {values.dtype}", values.tobytes())


def _text(value):
    with np.printoptions(threshold=10**9, precision=17):
        return repr(value)


def _digest(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else part.encode())
    return digest.hexdigest()


DOORS = {
    "load_run": load_run,
    "from_preset": from_preset,
    "image_encoder": image_encoder,
    "records": records,
    "regions": regions,
    "keras_file": keras_file,
    "exported": exported,
    "text": text,
}
# What is read undisturbed: a door and an output in the workspace.
WHOLE = [
    *((door, run) for door in ("load_run", "from_preset") for run in RUNS),
    ("load_run", "seeds"),
    ("image_encoder", "pixels/image_encoder"),
    ("records", "records"),
    ("regions", "regions"),
    ("keras_file", "tasks"),
    ("exported", "exported"),
    *(("text", name) for name in TEXTS),
]
