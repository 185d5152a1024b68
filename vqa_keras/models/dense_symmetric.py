import keras

from vqa_keras.layers import AttentionSummary
from vqa_keras.layers import DenseCoAttention
from vqa_keras.layers.arguments import check_size
from vqa_keras.models.pyramid_backbone import RESNET
from vqa_keras.models.pyramid_backbone import PyramidBackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class DenseSymmetricBackbone(PyramidBackbone):
    """Dense Co-Attention Network (DCN): a stack of dense co-attention layers.

        question, Q^0 = encoder(token_ids)                (B, D), (B, N, D)
        V^0           = layer_attention(question, grids)  (B, M, D)
        Q^l, V^l      = co_attention_l(Q^{l-1}, V^{l-1})
        fused         = summary_Q(Q^L) + summary_V(V^L)

    The sum is the second of the paper's three prediction heads. Its answers are
    independent: `VQA(backbone, activation="sigmoid")`, trained on soft scores.

    Departures from the paper: here the words are the outputs of one
    bidirectional LSTM over learned embeddings. The paper has two over frozen
    GloVe vectors, with learned initial states, and concatenates their outputs
    with the word vectors.

    Args:
        num_layers: int. Number of co-attention layers, each with weights of
            its own. Defaults to 3.
        num_heads: int, a divisor of `hidden_dim`. Number of heads of each
            co-attention and of the layer attention, and of glimpses of the
            summaries. Defaults to 4.
        num_null_slots: int. Number of learned slots on each side of each
            co-attention. Defaults to 3.
        co_attention_dropout: float. Fraction to drop of the vectors that each
            co-attention adds. Defaults to 0.3.
        **kwargs: passed to `PyramidBackbone`, which documents the other
            arguments.

    Attention: `cnn_layers_1` (B, L); of each co-attention `words_to_regions_l`
    (B, N, M) and `regions_to_words_l` (B, M, N); of the summaries `regions_1`
    (B, M) and `words_1` (B, N).

    Reference:
        [Nguyen and Okatani, 2018](https://arxiv.org/abs/1804.00775).
    """

    def __init__(
        self,
        vocabulary_size,
        grid_shapes=RESNET,
        embedding_dim=300,
        hidden_dim=1024,
        num_layers=3,
        num_heads=4,
        num_null_slots=3,
        co_attention_dropout=0.3,
        dtype=None,
        **kwargs,
    ):
        check_size("num_layers", num_layers)
        self.num_layers = num_layers
        self.num_null_slots = num_null_slots
        self.co_attention_dropout = co_attention_dropout
        self.co_attentions = [
            DenseCoAttention(
                num_heads,
                num_null_slots=num_null_slots,
                dropout=co_attention_dropout,
                dtype=dtype,
                name=f"co_attention_{layer}",
            )
            for layer in range(1, num_layers + 1)
        ]
        self.words_summary, self.regions_summary = (
            AttentionSummary(num_heads, dtype=dtype, name=name)
            for name in ("words_summary", "regions_summary")
        )
        super().__init__(
            vocabulary_size,
            grid_shapes,
            embedding_dim,
            hidden_dim,
            num_heads=num_heads,
            dtype=dtype,
            **kwargs,
        )

    def fuse(self, encoded):
        words, regions, attention = encoded.words, encoded.regions, {}
        for layer, co_attention in enumerate(self.co_attentions, 1):
            (words, regions), weights = co_attention(
                words, regions, words_mask=encoded.words_mask
            )
            attention[f"words_to_regions_{layer}"] = weights[0]
            attention[f"regions_to_words_{layer}"] = weights[1]
        image, attention["regions_1"] = self.regions_summary(regions)  # (B, D)
        question, attention["words_1"] = self.words_summary(
            words, sequence_mask=encoded.words_mask
        )
        return question + image, attention
