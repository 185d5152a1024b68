import keras
from keras import ops

from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class CosineAttention(AttentionLayer):
    """Parameter-free attention: scores regions by dot product or cosine.

        s_i      = v_i . v_Q                                normalize=False
        s_i      = temperature * (v_i . v_Q) / (|v_i| |v_Q|)    normalize=True
        p_i      = softmax_i(s_i)
        filtered = sum_i p_i v_i

    The article calls the hop cosine and prints the dot product, which is the
    default. Cosines lie in [-1, 1], and a softmax over such scores is nearly
    uniform (at most 3.65 % for one of 196 regions), so they are multiplied by
    a fixed temperature.

    Args:
        normalize: bool. Whether to score by the cosine instead of the dot
            product. Defaults to `False`.
        temperature: float, positive. Factor of the cosine; not used without
            `normalize`. Defaults to 10.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D)`.
        regions: region embeddings of the same width, `(B, M, D)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`.

    Returns:
        filtered: `(B, D)`, the mean of the regions under `weights`.
        weights: float32, `(B, M)`, 0 at padding, summing to 1 over the other
            regions. An image with no valid region gets all-zero weights and
            `filtered`. Scores are float32 also under mixed precision. The
            cosine with a vector of zeros is 0.

    Raises:
        ValueError: if `temperature` is not positive, `question` is not of rank
            2, `regions` not of rank 3, they differ in width, or the mask has
            another shape.

    Departure from the article: `normalize=True` and its temperature are ours.

    Example:
    ```python
    question = keras.random.normal((2, 64))
    regions = keras.random.normal((2, 4, 64))
    mask = keras.ops.array([[1, 1, 1, 1], [1, 1, 0, 0]])
    layer = vqa_keras.layers.CosineAttention()
    filtered, weights = layer(question, regions, regions_mask=mask)
    print(filtered.shape, weights.shape)  # (2, 64) (2, 4)
    ```

    Reference:
        [Luong et al., 2015](https://arxiv.org/abs/1508.04025), the dot score.
    """

    def __init__(self, normalize=False, temperature=10.0, **kwargs):
        super().__init__(**kwargs)
        if not temperature > 0:
            raise ValueError(
                f"`temperature` must be positive. Received: {temperature}"
            )
        self.normalize = normalize
        self.temperature = temperature

    def build(self, question_shape, regions_shape):
        self.check_rank("question", question_shape, "batch", "features")
        self.check_rank(
            "regions", regions_shape, "batch", "regions", "features"
        )
        if question_shape[-1] != regions_shape[-1]:
            raise ValueError(
                "`question` and `regions` must have the same width, since "
                "scores are their dot products. Received: "
                f"question.shape={question_shape}, "
                f"regions.shape={regions_shape}"
            )

    def call(self, question, regions, regions_mask=None):
        regions = zero_padding(regions, regions_mask, "regions_mask")
        # In float32: dot products of long vectors overflow in float16.
        query = ops.cast(question, self.weights_dtype)  # (B, D)
        keys = ops.cast(regions, self.weights_dtype)  # (B, M, D)
        if self.normalize:
            query = self.temperature * _unit(query)
            keys = _unit(keys)
        scores = ops.einsum("bd,bmd->bm", query, keys)
        weights = self.softmax(scores, regions_mask)  # (B, M)
        filtered = self.weighted_sum("bm,bmd->bd", weights, regions)
        return filtered, weights

    def compute_output_shape(self, question_shape, regions_shape):
        batch, num_regions, dim = regions_shape
        return (batch, dim), (batch, num_regions)

    def get_config(self):
        return {
            **super().get_config(),
            "normalize": self.normalize,
            "temperature": self.temperature,
        }


def _unit(vectors):
    """Scales vectors to length 1; zeros stay zeros with a finite gradient."""
    squares = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors * ops.rsqrt(ops.maximum(squares, 1e-12))
