import keras
from keras import KerasTensor
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.layers.parametric_attention import ParametricAttention


@keras.saving.register_keras_serializable(package="vqa_keras")
class IndependentCoAttention(keras.layers.Layer):
    """Question and image attend to each other in two separate streams.

    The state of the question conditions the attention on the regions, and the
    state of the image that on the words. What a stream finds is added to it:

        question_0  = question
        image_0     = mean of the regions
        t_j         = ParametricAttention_words_j(image_{j-1}, words)
        v_j         = ParametricAttention_hop_j(question_{j-1}, regions)
        question_j  = question_{j-1} + t_j
        image_j     = image_{j-1} + v_j

    Both attentions of a hop use the states of the hop before, so neither side
    goes first. Words and regions are the same in all hops. With one hop, the
    weights on the regions are those of `ParametricAttention`.

    Args:
        attention_dim: int. Width K of the space where the two sides meet.
        num_hops: int. Number of hops H. Defaults to 1. Hop j has the sublayers
            `words_j` and `hop_j`; of `words_j`, the "regions" are the words.
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
            image_H. Their sum is what a model goes on with.
        weights: `(words_weights, regions_weights)`, `(B, H, N)` and
            `(B, H, M)`, the weights of hop j at `[:, j - 1]`. Each hop's are 0
            at padding and sum to 1 over the rest (all 0 where nothing is
            valid). float32 also under mixed precision.

    Raises:
        ValueError: if `attention_dim < 1` or `num_hops < 1`, or if an input has
            another rank or the three differ in width.

    Departure from the paper: there is none to depart from. The mechanism is
    the article's; the hop is that of Yang et al., with the tanh that the
    article's formula lacks (see `ParametricAttention`).

    Reference:
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    def __init__(self, attention_dim, num_hops=1, **kwargs):
        super().__init__(**kwargs)
        check_size("attention_dim", attention_dim)
        check_size("num_hops", num_hops)
        self.attention_dim = attention_dim
        self.num_hops = num_hops
        self.words_hops, self.regions_hops = (
            [
                ParametricAttention(
                    attention_dim, dtype=self.dtype_policy, name=f"{side}_{j}"
                )
                for j in range(1, num_hops + 1)
            ]
            for side in ("words", "hop")
        )

    def build(self, question_shape, words_shape, regions_shape):
        shapes = question_shape, words_shape, regions_shape
        ranks = [len(shape) for shape in shapes]
        if ranks != [2, 3, 3] or len({shape[-1] for shape in shapes}) > 1:
            raise ValueError(
                "`question`, `words` and `regions` must have shapes (batch, "
                "D), (batch, words, D) and (batch, regions, D) of one width D, "
                "since what a hop finds is added to the question and to the "
                f"mean region. Received: question.shape={question_shape}, "
                f"words.shape={words_shape}, regions.shape={regions_shape}"
            )
        for words_hop, regions_hop in zip(
            self.words_hops, self.regions_hops, strict=True
        ):
            words_hop.build(question_shape, words_shape)
            regions_hop.build(question_shape, regions_shape)

    def call(
        self, question, words, regions, words_mask=None, regions_mask=None
    ):
        image = ops.cast(
            masked_mean(regions, regions_mask), self.compute_dtype
        )  # (B, D)
        words_weights, regions_weights = [], []
        for words_hop, regions_hop in zip(
            self.words_hops, self.regions_hops, strict=True
        ):
            from_words, weights = words_hop(
                image, words, regions_mask=words_mask
            )
            words_weights.append(weights)
            from_regions, weights = regions_hop(
                question, regions, regions_mask=regions_mask
            )
            regions_weights.append(weights)
            question = question + from_words
            image = image + from_regions
        return (question, image), (
            ops.stack(words_weights, axis=1),
            ops.stack(regions_weights, axis=1),
        )

    def compute_output_shape(self, question_shape, words_shape, regions_shape):
        state = tuple(question_shape)
        return (state, state), (
            (state[0], self.num_hops, words_shape[1]),
            (state[0], self.num_hops, regions_shape[1]),
        )

    def compute_output_spec(
        self, question, words, regions, words_mask=None, regions_mask=None
    ):
        states, weights = self.compute_output_shape(
            question.shape, words.shape, regions.shape
        )
        dtype = self.regions_hops[0].softmax.compute_dtype
        return (
            tuple(KerasTensor(s, dtype=self.compute_dtype) for s in states),
            tuple(KerasTensor(s, dtype=dtype) for s in weights),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "num_hops": self.num_hops,
        }
