import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.at_least_float32 import at_least_float32
from vqa_keras.layers.cast_finite import cast_finite


@keras.saving.register_keras_serializable(package="vqa_keras")
class ProductFusion(keras.layers.Layer):
    """Fuses question and image by the product of their projections.

        fused = activation(W_Q question + b_Q) * activation(W_I image + b_I)

    A projection of their concatenation would only add the two; their relation
    would be left to the layers that follow.

    Args:
        hidden_dim: int. Width D of the output.
        activation: optional argument of `keras.activations.get`. Defaults to
            `"tanh"`, the form of the paper.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D_Q)`.
        image: image embedding, such as filtered regions, `(B, D_I)`.

    Returns:
        fused: `(B, D)`.

    Raises:
        ValueError: if `hidden_dim < 1` or an input is not of rank 2.

    Example:
    ```python
    question = keras.random.normal((2, 64))
    image = keras.random.normal((2, 128))
    fused = vqa_keras.layers.ProductFusion(hidden_dim=32)(question, image)
    print(fused.shape)  # (2, 32)
    ```

    Reference:
        [Antol et al., 2015](https://arxiv.org/abs/1505.00468).
    """

    def __init__(self, hidden_dim, activation="tanh", **kwargs):
        super().__init__(**kwargs)
        check_size("hidden_dim", hidden_dim)
        self.hidden_dim = hidden_dim
        self.activation = keras.activations.get(activation)
        self.question_dense, self.image_dense = (
            keras.layers.Dense(
                hidden_dim,
                activation=self.activation,
                dtype=self.dtype_policy,
                name=name,
            )
            for name in ("question_dense", "image_dense")
        )

    def build(self, question_shape, image_shape):
        shapes = {"question": question_shape, "image": image_shape}
        for name, shape in shapes.items():
            if len(shape) != 2:
                raise ValueError(
                    f"`{name}` must have shape (batch, features). Received: "
                    f"{name}.shape={shape}"
                )
        self.question_dense.build(question_shape)
        self.image_dense.build(image_shape)

    def call(self, question, image):
        # In float32: without a bounded activation, float16 overflows.
        dtype = at_least_float32(self.compute_dtype)
        question = ops.cast(self.question_dense(question), dtype)
        image = ops.cast(self.image_dense(image), dtype)
        return cast_finite(question * image, self.compute_dtype)

    def compute_output_shape(self, question_shape, image_shape):
        return (question_shape[0], self.hidden_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "activation": keras.activations.serialize(self.activation),
        }
