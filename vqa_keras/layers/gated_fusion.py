import keras
from keras import KerasTensor

from vqa_keras.layers.arguments import check_size


@keras.saving.register_keras_serializable(package="vqa_keras")
class GatedFusion(keras.layers.Layer):
    """Multiplies question and image, each behind a gate of its own.

        f_Q(x) = tanh(W_Q x + b_Q) * sigmoid(W_Q' x + b_Q')
        f_I(x) = tanh(W_I x + b_I) * sigmoid(W_I' x + b_I')
        fused  = f_Q(v_Q) * f_I(v_I)

    Args:
        hidden_dim: int. Width of the output.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D_Q)`.
        image: image embedding, such as filtered regions, `(B, D_I)`.

    Returns:
        fused: `(B, hidden_dim)`.

    Raises:
        ValueError: if `hidden_dim < 1` or an input is not of rank 2.

    Departure from the paper: none in the formula; well-known reimplementations
    put a ReLU in place of the gated tanh, which is `ProductFusion` with
    `activation="relu"`.

    Reference:
        [Anderson et al., 2018](https://arxiv.org/abs/1707.07998).
    """

    def __init__(self, hidden_dim, **kwargs):
        super().__init__(**kwargs)
        check_size("hidden_dim", hidden_dim)
        self.hidden_dim = hidden_dim
        self.question_dense, self.image_dense = (
            self._dense(name, "tanh")
            for name in ("question_dense", "image_dense")
        )
        self.question_gate, self.image_gate = (
            self._dense(name, "sigmoid")
            for name in ("question_gate", "image_gate")
        )

    def _dense(self, name, activation):
        return keras.layers.Dense(
            self.hidden_dim,
            activation=activation,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, question_shape, image_shape):
        for name, shape in [
            ("question", question_shape),
            ("image", image_shape),
        ]:
            if len(shape) != 2:
                raise ValueError(
                    f"`{name}` must have shape (batch, features). Received: "
                    f"{name}.shape={shape}"
                )
        self.question_dense.build(question_shape)
        self.question_gate.build(question_shape)
        self.image_dense.build(image_shape)
        self.image_gate.build(image_shape)

    def call(self, question, image):
        question = self.question_dense(question) * self.question_gate(question)
        image = self.image_dense(image) * self.image_gate(image)
        return question * image

    def compute_output_shape(self, question_shape, image_shape):
        return (question_shape[0], self.hidden_dim)

    def compute_output_spec(self, question, image):
        shape = self.compute_output_shape(question.shape, image.shape)
        return KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "hidden_dim": self.hidden_dim}
