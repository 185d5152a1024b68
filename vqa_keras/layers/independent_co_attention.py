import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.cast_finite import cast_finite
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.layers.parametric_attention import ParametricAttention
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class IndependentCoAttention(AttentionLayer):
    """Multi-hop co-attention in two streams: each side queries the other.

    The state of the question is the query of the regions, and the state of the
    image that of the words. Each hop adds the filtered vectors to the states:

        question_0  = question
        image_0     = mean of the regions
        t_j         = ParametricAttention_words_j(image_{j-1}, words)
        v_j         = ParametricAttention_regions_j(question_{j-1}, regions)
        question_j  = question_{j-1} + t_j
        image_j     = image_{j-1} + v_j

    Both attentions of a hop use the states of the hop before, so neither side
    goes first. Words and regions are the same in all hops. With one hop, the
    weights on the regions are those of `ParametricAttention`.

    Args:
        attention_dim: int. Width K of the hidden layers.
        num_hops: int. Number of hops H. Defaults to 1. Hop j has the sublayers
            `words_j` and `regions_j`; the "regions" of `words_j` are the words.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D)`.
        words: word embeddings, `(B, N, D)`.
        regions: region embeddings, `(B, M, D)`.
        words_mask: optional bool or int, `(B, N)`, 0 at padding. Defaults to
            the Keras mask attached to `words`.
        regions_mask: optional bool or int, `(B, M)`, likewise.

    Returns:
        states: `(question_out, image_out)`, both `(B, D)`: question_H and
            image_H. A model fuses them by their sum.
        weights: `(words_weights, regions_weights)`, float32, `(B, H, N)` and
            `(B, H, M)`, the weights of hop j at `[:, j - 1]`. Each hop's are 0
            at padding and sum to 1 over the rest (all 0 where nothing is
            valid).

    Raises:
        ValueError: if `attention_dim < 1` or `num_hops < 1`, an input has
            another rank, the three differ in width, or a mask has another
            shape than its sequence.

    Departure from the paper: the mechanism is the article's, without a paper;
    the hop is that of Yang et al., with the tanh that the article's formula
    lacks (see `ParametricAttention`).

    Example:
    ```python
    question = keras.random.normal((2, 64))
    words = keras.random.normal((2, 8, 64))
    regions = keras.random.normal((2, 49, 64))
    layer = vqa_keras.layers.IndependentCoAttention(attention_dim=32)
    states, (words_weights, regions_weights) = layer(question, words, regions)
    print(states[0].shape, states[1].shape)  # (2, 64) (2, 64)
    print(words_weights.shape, regions_weights.shape)  # (2, 1, 8) (2, 1, 49)
    ```

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
            for side in ("words", "regions")
        )

    def build(self, question_shape, words_shape, regions_shape):
        self.check_rank("question", question_shape, "batch", "features")
        self.check_rank("words", words_shape, "batch", "words", "features")
        self.check_rank(
            "regions", regions_shape, "batch", "regions", "features"
        )
        if not question_shape[-1] == words_shape[-1] == regions_shape[-1]:
            raise ValueError(
                "`question`, `words` and `regions` must have the same width, "
                "since each hop adds filtered words to the question and "
                "filtered regions to their mean. Received: "
                f"question.shape={question_shape}, "
                f"words.shape={words_shape}, regions.shape={regions_shape}"
            )
        for hop in self.words_hops:
            hop.build(question_shape, words_shape)
        for hop in self.regions_hops:
            hop.build(question_shape, regions_shape)

    def initial_states(self, question, image):
        """Returns question_0 and image_0 from question and mean region."""
        return question, image

    def queries(self, question, image):
        """Returns the query of the words and the query of the regions."""
        return image, question

    def next_states(self, question, image, from_words, from_regions):
        """Returns question_j and image_j from those before, t_j and v_j."""
        return question + from_words, image + from_regions

    def call(
        self, question, words, regions, words_mask=None, regions_mask=None
    ):
        words = zero_padding(words, words_mask, "words_mask")
        regions = zero_padding(regions, regions_mask, "regions_mask")
        # States are float32: a memory, a product, exceeds float16.
        mean = ops.cast(masked_mean(regions, regions_mask), self.weights_dtype)
        question = ops.cast(question, self.weights_dtype)
        states = self.initial_states(question, mean)  # (B, D) each
        words_weights, regions_weights = [], []
        for words_hop, regions_hop in zip(
            self.words_hops, self.regions_hops, strict=True
        ):
            words_query, regions_query = self.queries(*states)
            from_words, weights = words_hop.attend(
                words_query, words, words_mask
            )  # (B, D), (B, N)
            words_weights.append(weights)
            from_regions, weights = regions_hop.attend(
                regions_query, regions, regions_mask
            )  # (B, D), (B, M)
            regions_weights.append(weights)
            states = self.next_states(
                *states,
                ops.cast(from_words, self.weights_dtype),
                ops.cast(from_regions, self.weights_dtype),
            )
        question, image = (
            cast_finite(state, self.compute_dtype) for state in states
        )
        return (question, image), (
            ops.stack(words_weights, axis=1),  # (B, H, N)
            ops.stack(regions_weights, axis=1),  # (B, H, M)
        )

    def compute_output_shape(self, question_shape, words_shape, regions_shape):
        state = tuple(question_shape)
        return (state, state), (
            (state[0], self.num_hops, words_shape[1]),
            (state[0], self.num_hops, regions_shape[1]),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "attention_dim": self.attention_dim,
            "num_hops": self.num_hops,
        }
