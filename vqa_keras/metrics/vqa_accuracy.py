import keras
from keras import ops


@keras.saving.register_keras_serializable(package="vqa_keras")
class VQAAccuracy(keras.metrics.MeanMetricWrapper):
    """Mean score of the predicted answers, for use in `compile`.

        score_b = y_true[b, argmax_a y_pred[b, a]]
        result  = sum_b weight_b score_b / sum_b weight_b

    With one-hot targets this is the accuracy, with soft scores (how many
    annotators agree with each answer) the VQA accuracy before the official
    evaluation's averaging over annotators. A question whose answers are all
    outside the vocabulary has a row of zeros and counts as wrong. Every
    question counts once, whatever the size of its batch.

    Args:
        name: str. Name of the metric.
        dtype: dtype or dtype policy of the metric. Defaults to
            `keras.config.floatx()`.

    Call arguments:
        y_true: scores of the answers, `(B, A)`.
        y_pred: logits or probabilities of the answers, `(B, A)`.
        sample_weight: optional, `(B,)`.

    Raises:
        ValueError: if `y_true` and `y_pred` are not of one shape `(B, A)`.

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
