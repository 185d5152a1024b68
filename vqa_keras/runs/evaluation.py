"""What a task reaches on a split of records: accuracy, baselines, grounding."""

import keras
import numpy as np
from keras import ops

from vqa_keras import metrics
from vqa_keras.attention_axes import attention_axes
from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.models import VQA
from vqa_keras.models.answerer import join
from vqa_keras.runs.grounding import REGIONS
from vqa_keras.runs.grounding import Grounding

DRAWINGS = ("easy_vqa",)  # data sets of shapes on a plain background
TOP_K = 5
MANY_TYPES = 12  # more question types than this are not printed
_KEPT = (
    "question_id",
    "question",
    "question_type",
    "answer_type",
    "answer",
    "all_answers",
)


def predict(
    task: VQA,
    records: Records,
    split: str,
    inputs: str,
    batch_size: int = 256,
    progress: bool = True,
    regions_only: bool = False,
) -> dict:
    """Returns the best answers and the attention of a split's questions.

    Args:
        task: a `VQA` whose inputs are those of the records.
        records: `Records`.
        split: str.
        inputs: "regions", "grids" or "images".
        batch_size: int.
        progress: whether to show a progress bar.
        regions_only: whether to keep only the attention over regions, which
            grounding needs; that between words and regions is large.

    Returns:
        `{"answers": int (Q, K), "probabilities": (Q, K), "attention": {name:
        (Q, ...)}}`, NumPy arrays in the order of `records.questions(split)`;
        the K <= 5 best answers come best first, and an axis of a grid's
        regions is two.
    """
    batches = records.load(
        split,
        batch_size,
        inputs=inputs,
        targets=None,
        image_size=task.preprocessor.image_size,
    )
    answerer = task.answerer(TOP_K, records.grid_shape)
    answers, probabilities, attention = [], [], []
    bar = keras.utils.Progbar(len(batches), verbose=int(progress))
    for number, batch in enumerate(batches.as_numpy_iterator(), 1):
        outputs = keras.tree.map_structure(
            ops.convert_to_numpy, answerer(batch)
        )
        answers.append(outputs["answers"])
        probabilities.append(outputs["probabilities"])
        attention.append(
            {
                name: weights
                for name, weights in outputs["attention"].items()
                if not regions_only or attention_axes(name) == ("regions",)
            }
        )
        bar.update(number)
    return {
        "answers": np.concatenate(answers),
        "probabilities": np.concatenate(probabilities),
        "attention": join(attention),
    }


def evaluate(
    task: VQA, records: Records, split: str, outputs: dict
) -> tuple[dict, np.ndarray]:
    """Returns what a task reached on a split, and which questions.

    Args:
        task: the `VQA`, for its answers.
        records: `Records`.
        split: str, the split that `outputs` are of.
        outputs: what `predict` returned.

    Returns:
        `result, right`: a dict with accuracy, baselines and grounding in
        percent, and a bool array, `(Q,)`. Where a question has several
        answers, the dict also has vqa_accuracy, the official one.

    Raises:
        UserError: if no question of the split has an answer.
    """
    info = records.info
    if not has_answers(records, split):
        raise UserError(
            f"{records.folder}: needed a split with answers to measure. "
            f"Received: {split}, which has none; its answers can be written "
            "with zoo.evaluate --submission=FILE"
        )
    questions = []
    grounding = Grounding(
        _maps_of_regions(task, records, outputs["attention"]),
        drawings=info.dataset in DRAWINGS and info.stored_images,
    )
    for image in records.images(split):
        questions += [
            {k: getattr(q, k) for k in _KEPT} for q in image.questions
        ]
        grounding.add(image)
    names = np.array(task.preprocessor.answers, dtype=object)
    predicted = names[outputs["answers"][:, 0]]
    answers = [q["answer"] for q in questions]
    types = [q["question_type"] for q in questions]
    result = {
        "split": split,
        "questions": len(questions),
        "images": records.files.split(split).images,
        "accuracy": metrics.accuracy(
            predicted, answers, [q["answer_type"] for q in questions], types
        ),
        "baselines": metrics.baselines(
            _questions_to_learn_from(records, split),
            [(q["question"], q["answer"]) for q in questions],
            types,
        ),
        "grounding": grounding.measure(outputs["attention"]),
    }
    if any(len(q["all_answers"]) > 1 for q in questions):
        result["vqa_accuracy"] = _vqa_accuracy(questions, predicted)
    return result, predicted == np.array(answers, dtype=object)


def has_answers(records: Records, split: str) -> bool:
    """Whether a question of the split has an answer of the vocabulary."""
    return records.files.split(split).in_vocabulary > 0


def _vqa_accuracy(questions, predicted):
    """The official accuracy; one answer counts as the annotators' own."""
    records = [
        metrics.answers_of_annotators(q["all_answers"]) for q in questions
    ]
    rows = range(len(questions))
    found = metrics.evaluate(
        {"questions": [{"question_id": row} for row in rows]},
        {
            "annotations": [
                {**question, "question_id": row, "answers": answers}
                for row, question, answers in zip(
                    rows, questions, records, strict=True
                )
                if answers
            ]
        },
        [
            {"question_id": row, "answer": answer}
            for row, answer, answers in zip(
                rows, predicted, records, strict=True
            )
            if answers
        ],
    )
    del found["per_question"]
    return found


def _questions_to_learn_from(records, split):
    """Pairs of question and answer of the training and validation splits.

    They are the strongest baseline: all questions that training or the choice
    of the epoch has used.
    """
    return [
        (question.question, question.answer)
        for other in ("train", "validation")
        if other in records.info.splits and other != split
        for question in records.questions(other)
    ]


def _maps_of_regions(task, records, attention):
    """What `Grounding` takes: every attention that weighs parts of an image.

    These are the cells of a grid, or regions where the records hold no grid.
    """
    grid_shape = task.backbone.grid_shape or records.grid_shape
    rank = 3 if grid_shape else 2  # without glimpses
    return {
        name: grid_shape or REGIONS
        for name, weights in attention.items()
        if attention_axes(name) == ("regions",) and weights.ndim == rank
    }


def print_evaluation(result: dict) -> None:
    """Prints the result of `evaluate`, baselines beside accuracy."""
    accuracy, baselines = result["accuracy"], result["baselines"]
    print(
        f"accuracy     {accuracy['overall']:.2f} % of {result['questions']:,} "
        f"{result['split']} questions (baselines: majority answer "
        f"{baselines['majority']:.2f} %, best question-only answer "
        f"{baselines['question_only']:.2f} %)"
    )
    for kind, value in accuracy["per_answer_type"].items():
        print(f"  {kind:14} {value:.2f} %")
    types = accuracy["per_question_type"]
    if 1 < len(types) <= MANY_TYPES:
        for kind, value in types.items():
            low, high = baselines["per_question_type"][kind].values()
            print(
                f"  {kind:14} {value:.2f} % "
                f"(baselines: {low:.2f} %, {high:.2f} %)"
            )
    if "vqa_accuracy" in result:
        overall = result["vqa_accuracy"]["overall"]
        print(f"vqa accuracy {overall:.2f} % (official, all annotators)")
        for kind, value in result["vqa_accuracy"]["per_answer_type"].items():
            print(f"  {kind:14} {value:.2f} %")
    for name, value in result["grounding"].items():
        print(f"grounding    {name}: {_on_object(value)}")
        for kind, of_kind in value.get("per_question_type", {}).items():
            print(f"  {kind}: {_on_object(of_kind)}")


def _on_object(value):
    text = (
        f"pointing accuracy {value['pointing_accuracy']:.1f} %, mass on it "
        f"{value['mass']:.1f} % (chance {value['chance']:.1f} %"
    )
    if "questions" in value:
        text += f"; {value['questions']:,} questions with boxes"
    return f"{text})"
