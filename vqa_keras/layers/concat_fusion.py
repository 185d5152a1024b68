import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size


@keras.saving.register_keras_serializable(package="vqa_keras")
class ConcatFusion(keras.layers.Layer):
    """Projects question and image together, one behind the other.

        fused = act(W [v_Q; v_I] + b)

    Before the activation, question and image are only added: what the one
    means for the other has to be learned by the layers that follow.

    Args:
        hidden_dim: int. Width of the output.
        activation: what `keras.activations.get` takes. Defaults to `"tanh"`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D_Q)`.
        image: image embedding, such as filtered regions, `(B, D_I)`.

    Returns:
        fused: `(B, hidden_dim)`.

    Raises:
        ValueError: if `hidden_dim < 1` or an input is not of rank 2.

    Reference:
        [Kazemi and Elqursh, 2017](https://arxiv.org/abs/1704.03162), whose head
        begins so, with a ReLU.
    """

    def __init__(self, hidden_dim, activation="tanh", **kwargs):
        super().__init__(**kwargs)
        check_size("hidden_dim", hidden_dim)
        self.hidden_dim = hidden_dim
        self.activation = keras.activations.get(activation)
        self.fused_dense = keras.layers.Dense(
            hidden_dim,
            activation=self.activation,
            dtype=self.dtype_policy,
            name="fused_dense",
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
        self.fused_dense.build(
            (question_shape[0], question_shape[-1] + image_shape[-1])
        )

    def call(self, question, image):
        return self.fused_dense(ops.concatenate([question, image], axis=-1))

    def compute_output_shape(self, question_shape, image_shape):
        return (question_shape[0], self.hidden_dim)

    def compute_output_spec(self, question, image):
        shape = self.compute_output_shape(question.shape, image.shape)
        return KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "activation": keras.activations.serialize(self.activation),
        }
