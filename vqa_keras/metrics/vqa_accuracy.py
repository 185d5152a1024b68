import keras
from keras import ops


@keras.saving.register_keras_serializable(package="vqa_keras")
class VQAAccuracy(keras.metrics.MeanMetricWrapper):
    """Computes the mean score of the predicted answers, for `compile`.

        score_b = y_true[b, argmax_a y_pred[b, a]]
        result  = sum_b weight_b score_b / sum_b weight_b

    With one-hot targets this is the accuracy; with soft scores
    (`vqa_keras.text.soft_scores`) it is the VQA accuracy without the official
    averaging over annotators. A question whose answers are all outside the
    vocabulary has a row of zeros and counts as wrong. Every question counts
    once, independent of the size of its batch.

    Args:
        name: str. Name of the metric. Defaults to "vqa_accuracy".
        dtype: dtype or dtype policy of the metric. Defaults to
            `keras.config.floatx()`.

    Call arguments:
        y_true: float scores of the answers, `(B, A)`.
        y_pred: logits or probabilities of the answers, `(B, A)`.
        sample_weight: optional float weights of the questions, `(B,)`.

    Returns:
        result: float scalar.

    Raises:
        ValueError: if `y_true` and `y_pred` do not both have shape `(B, A)`.

    Example:
    ```python
    task.compile("adam", metrics=[vqa_keras.metrics.VQAAccuracy()])
    ```

    Reference:
        [Antol et al., 2015](https://arxiv.org/abs/1505.00468).
    """

    def __init__(self, name="vqa_accuracy", dtype=None):
        super().__init__(fn=_score_of_prediction, name=name, dtype=dtype)
        self._direction = "up"

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype}


def _score_of_prediction(y_true, y_pred):
    y_true, y_pred = (
        ops.convert_to_tensor(y_true),
        ops.convert_to_tensor(y_pred),
    )
    if (
        len(y_true.shape) != 2
        or len(y_pred.shape) != 2
        or (
            None not in (y_true.shape[1], y_pred.shape[1])
            and y_true.shape[1] != y_pred.shape[1]
        )
    ):
        raise ValueError(
            "`y_true` and `y_pred` must both have shape (batch, answers). "
            f"Received: {y_true.shape} and {y_pred.shape}"
        )
    predicted = ops.argmax(y_pred, axis=-1, keepdims=True)  # (B, 1)
    return ops.squeeze(ops.take_along_axis(y_true, predicted, axis=-1), -1)
