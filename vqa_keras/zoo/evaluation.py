"""What a task reaches on a split of records: accuracy, floors, grounding."""

import collections

import keras
import numpy as np
from keras import ops

from vqa_keras import data
from vqa_keras import metrics
from vqa_keras.attention_axes import attention_axes
from vqa_keras.data.images import decode_image

DRAWINGS = ("easy_vqa",)  # data sets of shapes on a plain background
TOP_K = 5


def predict(task, info, split, inputs, batch_size=256, progress=True):
    """Returns the best answers and the attention of a split's questions.

    Args:
        task: a `VQA` whose inputs are those of the records.
        info: `DatasetInfo` of the records.
        split: str.
        inputs: "regions", "grids" or "images".
        batch_size: int.
        progress: whether to show a progress bar.

    Returns:
        `{"answers": int (Q, K), "probabilities": (Q, K), "attention": {name:
        (Q, ...)}}`, NumPy arrays in the order of `vqa_keras.data.read_images`;
        the K <= 5 best answers come best first.
    """
    batches = data.load(
        info.directory,
        split,
        batch_size,
        inputs=inputs,
        targets=None,
        image_size=task.preprocessor.image_size,
    )
    explained = task.explained()
    logits = explained.output["logits"]
    _, best = ops.top_k(logits, min(TOP_K, task.num_classes))
    probabilities = task.probabilities(logits)
    model = keras.Model(
        explained.input,
        {
            "answers": best,
            "probabilities": ops.take_along_axis(probabilities, best, axis=-1),
            "attention": {
                name: ops.cast(weights, "float32")
                for name, weights in explained.output["attention"].items()
            },
        },
    )
    return model.predict(batches, verbose=1 if progress else 0)


def evaluate(task, info, split, outputs):
    """Returns what a task reached on a split, and which questions.

    Args:
        task: the `VQA`, for its answers.
        info: `DatasetInfo` of the records.
        split: str, the split that `outputs` are of.
        outputs: what `predict` returned.

    Returns:
        `result, right`: a dict with accuracy, floors and grounding in percent,
        and a bool array, `(Q,)`.
    """
    questions, covered = [], collections.defaultdict(list)
    grids = _grids_with_objects(task, info, outputs["attention"])
    for image in data.read_images(info.directory, split):
        questions += image["questions"]
        if grids:
            mask = metrics.object_mask(decode_image(image["image"]))
        for grid_shape in set(grids.values()):
            cells = metrics.covered_cells(mask, grid_shape)
            covered[grid_shape] += [cells] * len(image["questions"])
    names = np.array(task.preprocessor.answers, dtype=object)
    predicted = names[outputs["answers"][:, 0]]
    answers = [q["answer"] for q in questions]
    result = {
        "split": split,
        "questions": len(questions),
        "images": info.split(split)["images"],
        "accuracy": metrics.accuracy(
            predicted, answers, [q["answer_type"] for q in questions]
        ),
        "floors": metrics.floors(
            _questions_to_learn_from(info, split),
            [(q["question"], q["answer"]) for q in questions],
        ),
        "grounding": {
            name: metrics.grounding(
                outputs["attention"][name].reshape(-1, *grid_shape),
                np.stack(covered[grid_shape]),
            )
            for name, grid_shape in grids.items()
        },
    }
    return result, predicted == np.array(answers, dtype=object)


def _questions_to_learn_from(info, split):
    """Pairs of question and answer of the training and validation splits.

    A floor that knows all that the model's makers saw is the highest one.
    """
    return [
        (question["question"], question["answer"])
        for other in ("train", "validation")
        if other in info.splits and other != split
        for image in data.read_images(info.directory, other)
        for question in image["questions"]
    ]


def _grids_with_objects(task, info, attention):
    """The grid's shape of every attention that grounding can be measured for.

    The objects are known where the records hold drawings on a plain
    background (easy-VQA); elsewhere the dict is empty.
    """
    if info.dataset not in DRAWINGS or not info.stored_images:
        return {}
    shapes = {
        name: grid_of(task, info, weights.shape[-1])
        for name, weights in attention.items()
        if attention_axes(name, weights.ndim - 1) == ("regions",)
    }
    return {name: shape for name, shape in shapes.items() if shape}


def grid_of(task, info, num_regions):
    """Returns `(h, w)` of the grid with so many cells, or None."""
    levels = info.image_encoder["levels"].values() if info.image_encoder else ()
    shapes = [shape[:2] for shape in levels if len(shape) == 3]
    if task.backbone.grid_shape:
        shapes.insert(0, task.backbone.grid_shape)
    for height, width in shapes:
        if height * width == num_regions:
            return height, width
    return None


def print_evaluation(result):
    """Prints the result of `evaluate`, floors beside accuracy."""
    accuracy, floors = result["accuracy"], result["floors"]
    print(
        f"accuracy     {accuracy['overall']:.2f} % of {result['questions']:,} "
        f"{result['split']} questions (floors: majority answer "
        f"{floors['majority']:.2f} %, best question-only answer "
        f"{floors['question_only']:.2f} %)"
    )
    for kind, value in accuracy["per_answer_type"].items():
        print(f"  {kind:10} {value:.2f} %")
    for name, value in result["grounding"].items():
        print(
            f"grounding    {name}: peak on the object {value['peak']:.1f} %, "
            f"mass on it {value['mass']:.1f} % (chance {value['chance']:.1f} %)"
        )
