"""What the commands and the exported model say of one small trained run."""

import html
import json
import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import tensorflow as tf

from tests.fixtures.small_results import RESULTS
from tests.golden import readers
from vqa_keras import models
from vqa_keras import serving
from vqa_keras import zoo
from vqa_keras.image_encoders import weights_sha256
from vqa_keras.runs import evaluation
from vqa_keras.runs.run import load_run
from vqa_keras.runs.run import task_for_records

IMAGES = 200
_SIZES = {
    "regions_dim": 96,
    "embedding_dim": 16,
    "hidden_dim": 32,
    "attention_dim": 16,
    "head_hidden_dim": 32,
}
_ASKED = [
    (0, "what is the color of the shape?"),
    (1, "is there a circle?"),
    (2, "what shape is shown, please?"),
    (3, ""),
]


def records(folder):
    """Writes the records of the run: 200 and 50 images of easy-VQA."""
    readers.READERS["run"] = {
        "dataset": "easy_vqa",
        "image_encoder": "grid_cnn",
    }
    return readers.write("run", folder, images=IMAGES)


def train(written):
    """Returns the weights of a task after 12 epochs, by path."""
    keras.utils.set_random_seed(0)
    task = _build(written)
    task.compile(keras.optimizers.Adam(4e-3))
    records = written
    task.fit(records.load("train", 64, shuffle=True), epochs=12, verbose=0)
    return {v.path: v.numpy() for v in task.trainable_variables}


def make_run(written, weights, folder):
    """Saves a run of these weights, the CNN of the records inside."""
    task = _build(written)
    for variable in task.trainable_variables:
        variable.assign(weights[variable.path])
    encoder = written.image_encoder()
    task.with_image_encoder(encoder).save_to_preset(str(folder))
    results = {
        **RESULTS,
        "entry": "stacked",
        "inputs": "regions",
        "weights_sha256": weights_sha256(encoder),
        "parameters": 0,
        "best_epoch": 12,
        "recipe": zoo.load_recipe("stacked"),
    }
    del results["image_encoder"]  # which is inside
    pathlib.Path(folder, "results.json").write_text(json.dumps(results))
    return folder


def outputs(written, run, folder):
    """Returns `numbers, texts` of ask, evaluate, the SavedModel, the report."""
    numbers, texts = {}, {}
    task, results = load_run(run)
    pictures = sorted(
        pathlib.Path(written.folder).parent.glob("source/test/images/*.png"),
        key=lambda path: int(path.stem),
    )
    for i, question in _ASKED:
        answer = task.ask(str(pictures[i]), question)
        texts[f"ask_{i}"] = [answer.answers, answer.words]
        numbers[f"ask_{i}/probabilities"] = np.array(answer.probabilities)
        for name, weights in answer.attention.items():
            numbers[f"ask_{i}/{name}"] = np.array(weights)
    serving.export(task, folder / "saved_model")
    served = tf.saved_model.load(str(folder / "saved_model" / "1"))
    found = served.signatures["serving_default"](
        images=tf.constant([pictures[i].read_bytes() for i, _ in _ASKED]),
        questions=tf.constant([question for _, question in _ASKED]),
    )
    for name, tensor in sorted(found.items()):
        if tensor.dtype == tf.string:
            texts["served"] = tensor.numpy().astype(str).tolist()
        elif name != "readable":  # newer than the golden outputs
            numbers[f"served/{name}"] = tensor.numpy()
    found = written
    task = task_for_records(task, found, results)
    predicted = evaluation.predict(
        task, found, "test", "regions", progress=False
    )
    numbers["predicted/answers"] = predicted.answers
    numbers["predicted/probabilities"] = predicted.probabilities
    result, _ = evaluation.evaluate(task, found, "test", predicted)
    texts["evaluated"] = json.loads(json.dumps(result.to_json()))
    # One unit of float16 moves a probability from one bin to the next.
    del texts["evaluated"]["calibration"]
    # Counts by type and what follows from them, which the golden run lacks.
    for name in ("outside", "counts"):
        del texts["evaluated"][name]
    del texts["evaluated"]["baselines"]["per_answer_type"]
    texts["report"] = _report(written, run, folder / "report.html")
    return numbers, texts


def _report(written, run, page):
    command = [sys.executable, "-m", "vqa_keras.zoo.report", str(run)]
    command += [f"--data={written.folder}", f"--output={page}"]
    subprocess.run(command, check=True, capture_output=True)
    text = page.read_text(encoding="utf-8")
    cards = re.findall(
        r'<article class="card (\w+)">(.*?)</article>', text, re.S
    )
    return [
        [
            verdict,
            html.unescape(re.search(r"<h3[^>]*>(.*?)</h3>", card)[1]),
            re.findall(r"<bdi>([^<]*)</bdi><span class=.percent", card),
            re.findall(r"([\d.]+) %</span>", card),
        ]
        for verdict, card in cards
    ]


def _build(written):
    words = written.vocabulary
    preprocessor = models.VQAPreprocessor(
        written.tokenizer(),
        written.answers,
    )
    return zoo.build_model(
        "stacked",
        preprocessor=preprocessor,
        vocabulary_size=len(words),
        num_classes=len(written.answers),
        image_encoder=None,
        **_SIZES,
    )
