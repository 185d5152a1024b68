import numpy as np

from vqa_keras.images import check_values
from vqa_keras.layers.check_mask import check_input_mask
from vqa_keras.models.answer import pair


def check_inputs(x, preprocessor, answers=True):
    """Returns inputs of `fit`, `evaluate` or `predict` that Keras can batch.

    Images in a list may be paths, bytes or of different sizes, which no array
    holds: they are decoded here, to the size of the image encoder. Checks
    masks, pixels and the vocabularies of records before Keras makes a pipeline
    of them.

    Args:
        x: inputs of a task: a dict, a dataset or anything else of Keras.
        preprocessor: its `VQAPreprocessor`, or None.
        answers: bool. Whether targets of other answers are refused. Defaults to
            `True`.

    Returns:
        `x`, or a dict of `images` and `token_ids`.

    Raises:
        ValueError: for a mask without what it masks, images without the values
            0 to 255, lists of different lengths, or a dataset of
            `vqa_keras.data.Records.load` with other words or answers.
    """
    check_input_mask(x)
    check_vocabularies(x, preprocessor, answers)
    if not (isinstance(x, dict) and {"images", "questions"} <= set(x)):
        return x
    if preprocessor is not None and _is_list(x["images"]):
        images, questions = pair(x["images"], x["questions"])
        x = {**x, "images": images, "questions": questions}
        return preprocessor.call(x)
    check_values(np.asarray(x["images"]))
    return x


def check_vocabularies(x, preprocessor, answers=True):
    """Raises UserError for a dataset of records with other words or answers.

    Datasets that are not of `Records.load`, or were changed by `map` or `take`,
    do not know their words and pass.

    Args:
        x: inputs of a task.
        preprocessor: its `VQAPreprocessor`, or None.
        answers: bool. Whether targets of other answers are refused. Defaults to
            `True`.
    """
    # Not by its class: `vqa_keras.data` imports TensorFlow.
    vocabularies = getattr(x, "vocabularies", None)
    if vocabularies is None or preprocessor is None:
        return
    vocabularies.check(
        preprocessor.tokenizer.get_vocabulary(),
        preprocessor.tokenizer.strip_accents,
        preprocessor.answers if answers else None,
    )


def _is_list(images):
    rank = getattr(images, "ndim", 1)  # of an array of paths
    return isinstance(images, (list, tuple)) or rank == 1
