import numpy as np


def text_targets(y, preprocessor):
    """Returns targets given as answer texts as one-hot rows, others unchanged.

    Args:
        y: targets; a list, tuple or array of str is converted.
        preprocessor: `VQAPreprocessor` with the answers, or None.

    Raises:
        ValueError: for texts that are not answers, or without a preprocessor.
    """
    if not _are_texts(y):
        return y
    texts = np.asarray(y).tolist()
    if preprocessor is None:
        raise ValueError(
            "`y` must be scores of shape (batch, answers) for a task without a "
            f"preprocessor. Received: texts such as {texts[0]!r}"
        )
    unknown = sorted(set(texts) - set(preprocessor.answers))
    if unknown:
        raise ValueError(
            "`y` must be answers of the task's preprocessor, such as "
            f"{preprocessor.answers[0]!r}, or scores of shape (batch, answers)."
            f" Received: {', '.join(map(repr, unknown[:5]))}"
        )
    return preprocessor.targets(texts)


def _are_texts(y):
    if isinstance(y, (list, tuple)):
        return bool(y) and all(isinstance(text, str) for text in y)
    if not isinstance(y, np.ndarray) or y.ndim != 1 or not y.size:
        return False
    return y.dtype.kind == "U" or (
        y.dtype == object and all(isinstance(text, str) for text in y)
    )
