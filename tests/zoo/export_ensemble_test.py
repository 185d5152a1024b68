"""An ensemble outside the process that made it: loaded, and as a SavedModel."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from vqa_keras import serving
from vqa_keras.data import Records
from vqa_keras.models import VQA
from vqa_keras.models import ensemble

QUESTION = "is there a red shape?"
PROGRAM = """
import json, sys
from vqa_keras.models import VQA
answer = VQA.from_preset(sys.argv[1]).ask(*sys.argv[2:])
print(json.dumps([answer.answers, answer.probabilities]))
"""


@pytest.mark.slow
def test_another_process_and_a_saved_model_answer_as_the_ensemble(
    run, records, tmp_path
):
    tasks = [VQA.from_preset(str(run)) for _ in range(2)]
    tasks[1].answer_dense.kernel.assign(-tasks[1].answer_dense.kernel)
    image = next(iter(Records(records).images("test"))).image
    (tmp_path / "image.png").write_bytes(image)
    members = [task.ask(tmp_path / "image.png", QUESTION) for task in tasks]
    by_answer = [
        dict(zip(each.answers, each.probabilities, strict=True))
        for each in members
    ]
    mean = ensemble(tasks)
    mean.save_to_preset(str(tmp_path / "mean"))
    arguments = [tmp_path / "mean", tmp_path / "image.png", QUESTION]
    other = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        env=os.environ,
        check=True,
    )
    answers, probabilities = json.loads(other.stdout)
    expected = [np.mean([each[a] for each in by_answer]) for a in answers]
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    path = serving.export(mean, tmp_path / "saved")
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    found = served(
        images=tf.constant([image]), questions=tf.constant([QUESTION])
    )
    assert [a.decode() for a in found["answers"].numpy()[0]] == answers
    np.testing.assert_allclose(found["scores"][0], probabilities, atol=1e-5)
