import keras

from vqa_keras.layers.independent_co_attention import IndependentCoAttention


@keras.saving.register_keras_serializable(package="vqa_keras")
class JointlyConditionedCoAttention(IndependentCoAttention):
    """Multi-hop co-attention with one query for words and regions.

    `IndependentCoAttention` with the sum of the two states as the query of both
    attentions, so that either depends on all that was attended before:

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
        use_product: bool. Whether the condition is the memory and not the sum
            of the states. Defaults to `False`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments, masks and errors are those of `IndependentCoAttention`.

    Returns:
        states: `(question_out, image_out)`, both `(B, D)`: question_H and
            image_H, which a model fuses by their sum. With `use_product` both
            are memory_H, and a model takes either.
        weights: `(words_weights, regions_weights)`, `(B, H, N)` and
            `(B, H, M)`, as of `IndependentCoAttention`.

    Departure from the paper: this is the article's form. Nam et al. update by
    the product and attend by a product of two tanh; that is `DualAttention`.

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
