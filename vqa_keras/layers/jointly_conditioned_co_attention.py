import keras
from keras import ops

from vqa_keras.layers.independent_co_attention import IndependentCoAttention
from vqa_keras.layers.masked_mean import masked_mean


@keras.saving.register_keras_serializable(package="vqa_keras")
class JointlyConditionedCoAttention(IndependentCoAttention):
    """Question and image attend to words and regions with one joint condition.

    Both attentions of a hop are asked by the sum of the two sides' states, so
    each side knows what both have found so far:

        question_0  = question
        image_0     = mean of the regions
        condition_j = question_{j-1} + image_{j-1}
        t_j         = ParametricAttention_words_j(condition_j, words)
        v_j         = ParametricAttention_hop_j(condition_j, regions)
        question_j  = question_{j-1} + t_j
        image_j     = image_{j-1} + v_j

    With `use_product`, one memory takes the place of the two states, as in Dual
    Attention Networks (`o` is the product of elements):

        memory_0    = question_0 o image_0
        condition_j = memory_{j-1}
        memory_j    = memory_{j-1} + t_j o v_j

    Words and regions are the same in all hops.

    Args:
        attention_dim: int. Width K of the space where condition and words, or
            regions, meet.
        num_hops: int. Number of hops H. Defaults to 1. Hop j has the sublayers
            `words_j` and `hop_j`; of `words_j`, the "regions" are the words.
        use_product: bool. Whether the condition is the memory and not the sum
            of the states. Defaults to `False`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D)`.
        words: word embeddings, `(B, N, D)`.
        regions: region embeddings, `(B, M, D)`.
        words_mask: optional bool or int, `(B, N)`, 0 at padding. Defaults to
            the Keras mask attached to `words`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`.

    Returns:
        states: `(question_out, image_out)`, both `(B, D)`: question_H and
            image_H. Their sum is what a model goes on with. With `use_product`
            both are memory_H, and a model takes either.
        weights: `(words_weights, regions_weights)`, `(B, H, N)` and
            `(B, H, M)`, the weights of hop j at `[:, j - 1]`. Each hop's are 0
            at padding and sum to 1 over the rest (all 0 where nothing is
            valid). float32 also under mixed precision.

    Raises:
        ValueError: if `attention_dim < 1` or `num_hops < 1`, or if an input has
            another rank or the three differ in width.

    Departure from the paper: this is the article's form. Nam et al. update by
    the product and attend by a product of two tanh; that is `DualAttention`.

    Reference:
        [Nam et al., 2017](https://arxiv.org/abs/1611.00471).
    """

    def __init__(self, attention_dim, num_hops=1, use_product=False, **kwargs):
        super().__init__(attention_dim, num_hops=num_hops, **kwargs)
        self.use_product = use_product

    def call(
        self, question, words, regions, words_mask=None, regions_mask=None
    ):
        image = ops.cast(
            masked_mean(regions, regions_mask), self.compute_dtype
        )  # (B, D)
        if self.use_product:
            condition = question * image  # the memory
        else:
            condition = question + image
        words_weights, regions_weights = [], []
        for words_hop, regions_hop in zip(
            self.words_hops, self.regions_hops, strict=True
        ):
            from_words, weights = words_hop(
                condition, words, regions_mask=words_mask
            )
            words_weights.append(weights)
            from_regions, weights = regions_hop(
                condition, regions, regions_mask=regions_mask
            )
            regions_weights.append(weights)
            if self.use_product:
                condition = condition + from_words * from_regions
            else:
                question = question + from_words
                image = image + from_regions
                condition = question + image
        if self.use_product:
            question = image = condition
        return (question, image), (
            ops.stack(words_weights, axis=1),
            ops.stack(regions_weights, axis=1),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "use_product": self.use_product,
        }
