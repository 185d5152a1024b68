import keras

from vqa_keras.layers.independent_co_attention import IndependentCoAttention


@keras.saving.register_keras_serializable(package="vqa_keras")
class JointlyConditionedCoAttention(IndependentCoAttention):
    """Multi-hop co-attention with one query for words and regions.

    `IndependentCoAttention` with the sum of the two states as the query of both
    attentions, so that each depends on all vectors filtered before:

        question_0  = question
        image_0     = mean of the regions
        condition_j = question_{j-1} + image_{j-1}
        t_j         = ParametricAttention_words_j(condition_j, words)
        v_j         = ParametricAttention_regions_j(condition_j, regions)
        question_j  = question_{j-1} + t_j
        image_j     = image_{j-1} + v_j

    With `use_product`, one memory takes the place of the two states, as in Dual
    Attention Networks (`o` is the product of elements):

        memory_0    = question_0 o image_0
        condition_j = memory_{j-1}
        memory_j    = memory_{j-1} + t_j o v_j

    Args:
        attention_dim: int. Width K of the hidden layers.
        num_hops: int. Number of hops H. Defaults to 1. Hop j has the sublayers
            `words_j` and `regions_j`.
        use_product: bool. Whether the condition is the memory instead of the
            sum of the states. Defaults to `False`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments, masks and errors are those of `IndependentCoAttention`.

    Returns:
        states: `(question_out, image_out)`, both `(B, D)`: question_H and
            image_H, which a model fuses by their sum. With `use_product` both
            are memory_H, and a model takes either.
        weights: `(words_weights, regions_weights)`, float32, `(B, H, N)` and
            `(B, H, M)`, as in `IndependentCoAttention`.

    Departure from the paper: this is the article's form. Nam et al. update by
    the product and attend by a product of two tanh; that is `DualAttention`.

    Example:
    ```python
    question = keras.random.normal((2, 64))
    words = keras.random.normal((2, 8, 64))
    regions = keras.random.normal((2, 49, 64))
    layer = vqa_keras.layers.JointlyConditionedCoAttention(attention_dim=32)
    states, (words_weights, regions_weights) = layer(question, words, regions)
    print(states[0].shape, states[1].shape)  # (2, 64) (2, 64)
    print(words_weights.shape, regions_weights.shape)  # (2, 1, 8) (2, 1, 49)
    ```

    Reference:
        [Nam et al., 2017](https://arxiv.org/abs/1611.00471).
    """

    def __init__(self, attention_dim, num_hops=1, use_product=False, **kwargs):
        super().__init__(attention_dim, num_hops=num_hops, **kwargs)
        self.use_product = use_product

    def initial_states(self, question, image):
        if self.use_product:
            question = image = question * image  # the memory
        return question, image

    def queries(self, question, image):
        condition = question if self.use_product else question + image
        return condition, condition

    def next_states(self, question, image, from_words, from_regions):
        if self.use_product:
            memory = question + from_words * from_regions
            return memory, memory
        return question + from_words, image + from_regions

    def get_config(self):
        return {**super().get_config(), "use_product": self.use_product}
