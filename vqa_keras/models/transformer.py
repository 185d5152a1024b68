import keras

from vqa_keras.layers import AttentionPooling
from vqa_keras.layers import GridPositionEncoding
from vqa_keras.layers import TransformerDecoderBlock
from vqa_keras.layers import TransformerEncoderBlock
from vqa_keras.layers.arguments import check_size
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class TransformerBackbone(VQABackbone):
    """Encoder-decoder Transformer over words and regions (MCAN).

    The words attend to one another in L blocks; then, in L other blocks, the
    regions attend to one another and to the encoded words:

        words_0   = LSTM(embeddings)                  its output at every word
        regions_0 = W_I f_i + b_I
        words_l   = encoder_l(words_{l-1})
        regions_l = decoder_l(regions_{l-1}, words_L)
        fused     = norm(pool_W(words_L) + pool_I(regions_L))

    by `TransformerEncoderBlock`, `TransformerDecoderBlock` and
    `AttentionPooling`. The LSTM encodes the order of the words. With
    `position_grid`, `GridPositionEncoding` encodes the regions' positions:

        regions_0 = norm(W_I f_i + b_I) + position_i

    under a norm without parameters, so that features of any size and positions
    weigh alike. The paper's head is `VQA(backbone, hidden_dim=None,
    dropout=0.0, activation="sigmoid")`.

    Departures from the paper: the positions, off by default; those of
    `TransformerEncoderBlock`.

    Args:
        num_heads: int, a divisor of `hidden_dim`. Number of heads. Defaults to
            8.
        num_layers: int. Number of encoder blocks L, and of decoder blocks.
            Defaults to 6.
        intermediate_dim: int. Width of the blocks' hidden layers. Defaults to
            2048.
        output_dim: int. Width of `fused`. Defaults to 1024.
        dropout: float. Fraction to drop inside blocks and pooling only.
            Defaults to 0.1.
        position_grid: optional `(h, w)`. The regions are the cells of this
            grid, row by row, not boxes; `hidden_dim` is a multiple of four.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

    Attention, of every layer l: `words_to_words_l` (B, heads, N, N),
    `regions_to_regions_l` (B, heads, M, M) and `regions_to_words_l`
    (B, heads, M, N); of the pooling `words_1` (B, N) and `regions_1` (B, M).

    References:
        [Yu et al., 2019](https://arxiv.org/abs/1906.10770),
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762).
    """

    bidirectional = False

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        embedding_dim=300,
        hidden_dim=512,
        num_heads=8,
        num_layers=6,
        intermediate_dim=2048,
        output_dim=1024,
        dropout=0.1,
        position_grid=None,
        dtype=None,
        **kwargs,
    ):
        check_size("num_layers", num_layers)
        self.num_heads = num_heads
        self.num_layers = num_layers
        self.intermediate_dim = intermediate_dim
        self.output_dim = output_dim
        self.position_grid = position_grid and tuple(position_grid)
        self.encoder_blocks, self.decoder_blocks = (
            [
                block(
                    num_heads,
                    intermediate_dim,
                    dropout,
                    dtype=dtype,
                    name=f"{name}_{layer}",
                )
                for layer in range(1, num_layers + 1)
            ]
            for block, name in [
                (TransformerEncoderBlock, "encoder_block"),
                (TransformerDecoderBlock, "decoder_block"),
            ]
        )
        self.words_pooling, self.regions_pooling = (
            AttentionPooling(
                hidden_dim, output_dim, dropout=dropout, dtype=dtype, name=name
            )
            for name in ("words_pooling", "regions_pooling")
        )
        self.fused_norm = keras.layers.LayerNormalization(
            epsilon=1e-6, dtype=dtype, name="fused_norm"
        )
        if position_grid:
            plain = {"center": False, "scale": False, "dtype": dtype}
            self.position_norm = keras.layers.LayerNormalization(
                epsilon=1e-6, name="position_norm", **plain
            )
            self.grid_position_encoding = GridPositionEncoding(
                position_grid, dtype=dtype, name="grid_position_encoding"
            )
        sizes = (regions_dim, embedding_dim, hidden_dim)
        super().__init__(vocabulary_size, *sizes, dtype=dtype, **kwargs)
        self.dropout = dropout  # after the base class, whose dropout is 0

    def fuse(self, encoded):
        _, words, words_mask, regions, regions_mask = encoded
        attention = {}
        if self.position_grid:
            _check_grid(self.position_grid, self.grid_shape)
            regions = self.grid_position_encoding(
                self.position_norm(regions), regions_mask=regions_mask
            )
        for layer, block in enumerate(self.encoder_blocks, 1):
            words, weights = block(words, sequence_mask=words_mask)
            attention[f"words_to_words_{layer}"] = weights
        for layer, block in enumerate(self.decoder_blocks, 1):
            regions, weights = block(
                regions,
                words,
                sequence_mask=regions_mask,
                context_mask=words_mask,
            )
            attention[f"regions_to_regions_{layer}"] = weights[0]
            attention[f"regions_to_words_{layer}"] = weights[1]
        question, attention["words_1"] = self.words_pooling(
            words, sequence_mask=words_mask
        )
        image, attention["regions_1"] = self.regions_pooling(
            regions, sequence_mask=regions_mask
        )
        return self.fused_norm(question + image), attention


def _check_grid(position_grid, grid_shape):
    if grid_shape not in (None, position_grid):
        raise ValueError(
            "`position_grid` must be the grid of `image_encoder`, "
            f"{grid_shape}. Received: {position_grid}"
        )
