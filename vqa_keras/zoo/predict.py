r"""Answers many questions about images of any size, to a file.

    python -m vqa_keras.zoo.predict runs/stacked --input=questions.jsonl \
        --output=answers.jsonl
    python -m vqa_keras.zoo.predict runs/stacked --input=photos \
        --question="what color is it?" --output=answers.jsonl

The argument is the folder of a run or the name of a shipped preset, such as
stacked_easy_vqa.

--input is a .jsonl or .csv file in the format of vqa_keras/datasets/jsonl.py,
of which `question_id`, `image` and `question` are used; or a folder, whose
images at any depth all get --question. The output has a line of JSON per
question, in the order of the input:

    {"question_id": 7, "image": "photos/door.jpg", "question": "what color is
     it?", "answers": ["red", "green"], "probabilities": [0.8, 0.1]}

and {..., "error": "truncated"} in place of the answers for an image that cannot
be read. --threshold=0.5 gives "" in place of each answer whose probability is
below 0.5. The same command continues a killed one after its last whole line;
beside the output, answers.jsonl.settings.json tells whether it is the same, and
answers.jsonl.checksums whether a line was changed since.
"""

import collections
import hashlib
import json
import os
import pathlib

import numpy as np
from absl import flags

from vqa_keras.command import run
from vqa_keras.datasets.asked_questions import AskedQuestions
from vqa_keras.errors import UserError
from vqa_keras.image_encoders import weights_sha256
from vqa_keras.lock import one_writer
from vqa_keras.runs.answer_many import BATCH_SIZE
from vqa_keras.runs.answer_many import TOP_K
from vqa_keras.runs.answer_many import answer_many
from vqa_keras.runs.answers_file import AnswersFile
from vqa_keras.runs.run import check_takes_images
from vqa_keras.runs.run import load_run
from vqa_keras.writing.progress import Progress
from vqa_keras.zoo.arguments import check_threshold
from vqa_keras.zoo.arguments import one_run
from vqa_keras.zoo.outputs import check_output

_INPUT = flags.DEFINE_string(
    "input",
    None,
    "Required. File of questions, .jsonl or .csv, or folder of images.",
    required=True,
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "Required. File for the answers, one line of JSON per question.",
    required=True,
)
_QUESTION = flags.DEFINE_string(
    "question",
    None,
    "The question about each image of a folder; required with a folder.",
)
_IMAGES = flags.DEFINE_string(
    "images",
    None,
    "Folder that the images of a file of questions are below. Default: the "
    "folder of that file.",
)
_TOP_K = flags.DEFINE_integer(
    "top_k", TOP_K, "Number of answers per question.", lower_bound=1
)
_THRESHOLD = flags.DEFINE_float(
    "threshold",
    0.0,
    'Probability, 0 to 1, below which an answer is "". Default: 0, which keeps '
    "all answers.",
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", BATCH_SIZE, "Questions per batch.", lower_bound=1
)
_RESUME = flags.DEFINE_bool(
    "resume", True, "Continues an unfinished output; --noresume starts anew."
)


def main(argv):
    output = pathlib.Path(os.path.realpath(_OUTPUT.value))
    with one_writer(output, output.with_name(f".{output.name}.lock")):
        _main(argv)


def _main(argv):
    folder = one_run(argv)
    threshold = check_threshold(_THRESHOLD.value)
    questions = AskedQuestions(_INPUT.value, _QUESTION.value, _IMAGES.value)
    _check_output(questions.source)
    total = questions.count()
    task, _ = load_run(folder)
    check_takes_images(task)
    file = AnswersFile(
        _OUTPUT.value,
        {
            "run": _task_sha256(task),
            "input": questions.sha256(),
            "question": _QUESTION.value,
            "images": os.path.realpath(questions.root),
            "top_k": _TOP_K.value,
            "threshold": threshold,
        },
    )
    rest = iter(questions)
    if not _RESUME.value:
        file.start()
    done = file.resume(rest)
    if done == total:
        print("finished     all questions have a line; --noresume starts anew")
    elif done:
        print(f"resumed      after {done:,} of {total:,} questions")
    if done < total:
        _answer(file, task, rest, questions.root, threshold, done, total)
    _print_counts(file, total, threshold)


def _answer(file, task, rest, root, threshold, done, total):
    batches = answer_many(
        task, rest, root, _TOP_K.value, threshold, _BATCH_SIZE.value
    )
    count = collections.Counter(done=done)
    with Progress(total, lambda: count["done"], lambda: done, unit="questions"):
        for number in file.write(batches):
            count["done"] += number


def _check_output(source):
    path = pathlib.Path(_OUTPUT.value)
    if path.exists() and path.samefile(source):
        raise UserError(
            f"--output must be another file than --input. Received: {path}"
        )
    check_output(path)


def _task_sha256(task):
    """The hash of all that answers depend on: weights, words and answers."""
    tokenizer = task.preprocessor.tokenizer
    config = tokenizer.get_config()
    digest = hashlib.sha256()
    for weight in task.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    parts = [
        digest.hexdigest(),
        weights_sha256(task.backbone.image_encoder),
        type(task.backbone).__name__,
        task.activation,
        task.preprocessor.answers,
        tokenizer.get_vocabulary(),
        {key: config[key] for key in config.keys() - {"name", "dtype"}},
    ]
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _print_counts(file, total, threshold):
    below = file.counts.pop("", 0)
    bad = file.counts.total()
    if threshold:
        print(f'threshold    {below:,} answers below {threshold:g} are ""')
    text = f"answers      {file.path}: {total:,} lines"
    if bad:
        reasons = ", ".join(f"{n:,} {r}" for r, n in file.counts.most_common())
        text += f", {bad:,} with an error in place of answers: {reasons}"
    print(text)


if __name__ == "__main__":
    run(main)
