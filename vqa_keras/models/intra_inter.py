import keras

from vqa_keras.layers import InterModalityAttention
from vqa_keras.layers import IntraModalityAttention
from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.masked_mean import masked_mean
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class IntraInterBackbone(VQABackbone):
    """Dynamic fusion with intra- and inter-modality attention flow (DFAF).

    Words and regions are fused at the end only. Each block attends between the
    sides, then within each side, gated by the other:

        words, regions     = inter_b(words_{b-1}, regions_{b-1})
        words_b, regions_b = intra_b(words, regions)
        fused              = mean_n(words_B) o mean_m(regions_B)

    `inter` is `InterModalityAttention`, `intra` is `IntraModalityAttention`;
    the means are over the valid positions. The head is the paper's, one hidden
    layer with a relu; it trains on soft scores: `activation="sigmoid"`.

    Departures from the paper: the question encoder is a bidirectional LSTM (the
    paper: GloVe embeddings and a GRU of 1,280 units, projected to 512). The
    residual sums over all states of a later reimplementation are left out.

    Args:
        num_heads: int, a divisor of `hidden_dim`. Number of heads. Defaults to
            8.
        num_blocks: int. Number of blocks B. Defaults to 1.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

    Attention, of every block b: `words_to_regions_b` (B, heads, N, M),
    `regions_to_words_b` (B, heads, M, N), `words_to_words_b` (B, heads, N, N)
    and `regions_to_regions_b` (B, heads, M, M).

    Reference:
        [Gao et al., 2019](https://arxiv.org/abs/1812.05252).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        embedding_dim=300,
        hidden_dim=512,
        num_heads=8,
        num_blocks=1,
        dtype=None,
        **kwargs,
    ):
        check_size("num_blocks", num_blocks)
        self.num_heads = num_heads
        self.num_blocks = num_blocks
        self.blocks = [
            [
                layer(num_heads, dtype=dtype, name=f"{name}_{block}")
                for layer, name in [
                    (InterModalityAttention, "inter_modality_attention"),
                    (IntraModalityAttention, "intra_modality_attention"),
                ]
            ]
            for block in range(1, num_blocks + 1)
        ]
        sizes = (regions_dim, embedding_dim, hidden_dim)
        super().__init__(vocabulary_size, *sizes, dtype=dtype, **kwargs)

    def fuse(self, encoded):
        words, regions, attention = encoded.words, encoded.regions, {}
        masks = {
            "words_mask": encoded.words_mask,
            "regions_mask": encoded.regions_mask,
        }
        for b, (inter, intra) in enumerate(self.blocks, 1):
            (words, regions), weights = inter(words, regions, **masks)
            attention[f"words_to_regions_{b}"] = weights[0]
            attention[f"regions_to_words_{b}"] = weights[1]
            (words, regions), weights = intra(words, regions, **masks)
            attention[f"words_to_words_{b}"] = weights[0]
            attention[f"regions_to_regions_{b}"] = weights[1]
        question = masked_mean(words, encoded.words_mask)  # (B, D)
        image = masked_mean(regions, encoded.regions_mask)
        return question * image, attention
