import keras
from keras import ops


@keras.saving.register_keras_serializable(package="vqa_keras")
class AnswerBinaryCrossentropy(keras.losses.Loss):
    """Computes the binary cross-entropy of soft scores, summed over answers.

        loss_b = - sum_a [ y_ba log s(x_ba) + (1 - y_ba) log(1 - s(x_ba)) ]

    with s the sigmoid and x the logits, then the mean over the batch. A
    question may have several right answers.

    `keras.losses.BinaryCrossentropy` takes the mean over the answers, A times
    smaller: with 3,000 answers the learning rates, clipping norms and epsilons
    of the literature no longer fit. The loss is computed in float32, from
    logits of any size.

    Args:
        reduction: str, as in `keras.losses.Loss`. Defaults to
            `"sum_over_batch_size"`, the mean over the batch.
        name: str. Name of the loss.
        dtype: as in `keras.losses.Loss`.

    Call arguments:
        y_true: scores of the answers in [0, 1], `(B, A)`; zeros for none.
        y_pred: logits of the answers, `(B, A)`.
        sample_weight: optional, `(B,)`.

    Raises:
        ValueError: if `y_true` and `y_pred` are not of one shape `(B, A)`.

    Example:
    ```python
    loss = vqa_keras.models.AnswerBinaryCrossentropy()
    scores = keras.ops.array([[1.0, 0.3, 0.0]])
    print(round(float(loss(scores, keras.ops.zeros((1, 3)))), 3))  # 2.079
    ```

    Reference:
        [Teney et al., 2018](https://arxiv.org/abs/1708.02711).
    """

    def __init__(
        self,
        reduction="sum_over_batch_size",
        name="answer_binary_crossentropy",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        shapes = y_true.shape, y_pred.shape
        if not len(shapes[0]) == len(shapes[1]) == 2 or (
            None not in (shapes[0][1], shapes[1][1])
            and shapes[0][1] != shapes[1][1]
        ):
            raise ValueError(
                "`y_true` and `y_pred` must both have shape (batch, answers). "
                f"Received: {shapes[0]} and {shapes[1]}"
            )
        losses = ops.binary_crossentropy(
            ops.cast(y_true, "float32"),
            ops.cast(y_pred, "float32"),
            from_logits=True,
        )
        return ops.sum(losses, axis=-1)  # (B,)
