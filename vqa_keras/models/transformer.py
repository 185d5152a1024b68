import keras

from vqa_keras.layers import AttentionPooling
from vqa_keras.layers import GridPositionEncoding
from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.layers import TransformerDecoderBlock
from vqa_keras.layers import TransformerEncoderBlock
from vqa_keras.layers.arguments import check_size
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class TransformerBackbone(VQABackbone):
    """Transformer of words and regions: MCAN, its encoder-decoder form.

    The words attend to one another in L blocks; then, in L other blocks, the
    regions attend to one another and to the finished words. Each side becomes
    one vector:

        words_0   = LSTM(embeddings)                  its output at every word
        regions_0 = W_I f_i + b_I
        words_l   = encoder_l(words_{l-1})
        regions_l = decoder_l(regions_{l-1}, words_L)
        fused     = norm(pool_W(words_L) + pool_I(regions_L))

    `encoder` is `TransformerEncoderBlock`, `decoder` is
    `TransformerDecoderBlock`, `pool` is `AttentionPooling`. To all of them a
    sequence is a set; the LSTM knows the order of the words. With
    `position_grid` the regions know their place as well:

        regions_0 = norm(W_I f_i + b_I) + position_i  `GridPositionEncoding`

    under a norm without weights, so that features of any size and positions
    weigh alike.

    Departures from the paper, which is about the boxes of a detector: the
    positions, which it does not have, and `normalize_regions`; both are off by
    default. Its code's layer norm divides by another standard deviation (see
    `TransformerEncoderBlock`).

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        regions_dim: int, width C of the region features; not used with an
            image encoder.
        embedding_dim: int, width of a word embedding.
        hidden_dim: int, width D of words, regions and attention; a multiple of
            four with `position_grid`.
        num_heads: int, a divisor of `hidden_dim`.
        num_layers: int, how many encoder blocks L, and as many decoder blocks.
        intermediate_dim: int, width of the blocks' hidden layers.
        output_dim: int, width of `fused`.
        dropout: float, dropped share inside the blocks and the pooling. As in
            the paper, nothing is dropped before them.
        normalize_regions: bool, whether each region's features are scaled to
            unit length.
        position_grid: optional `(h, w)`: the regions are always the cells of
            this grid, row by row, and get positions; padding may follow them.
            Not for boxes.
        contextualizer: optional layer that adds context to the projected
            regions, before the positions; see `VQABackbone`.
        image_encoder: optional Keras model from images to a grid; see
            `VQABackbone`. It brings no positions by itself, so that features
            and pixels give the same answers.
        dtype: dtype policy of the computation.

    Inputs:
        regions: region features, `(B, M, C)`; float16 as stored is fine.
        regions_mask: int32, `(B, M)`, 0 at padding.
        images: instead of both, with an image encoder: `(B, H, W, 3)`, 0..255.
        token_ids: int32, `(B, N)`, 0 at padding.

    Outputs:
        `{"fused": (B, output_dim), "attention": {...}}` with, of every layer l,
        `words_to_words_l` (B, heads, N, N), `regions_to_regions_l`
        (B, heads, M, M) and `regions_to_words_l` (B, heads, M, N), and of the
        pooling `words_1` (B, N) and `hop_1` (B, M).

    Raises:
        ValueError: if a size is too small, the heads do not divide
            `hidden_dim`, or the regions are not the cells of `position_grid`.

    Example:
    ```python
    backbone = TransformerBackbone(vocabulary_size=20000)
    outputs = backbone(
        {"regions": regions, "regions_mask": mask, "token_ids": token_ids}
    )
    outputs["attention"]["regions_to_words_6"]  # (B, 8, M, N)
    ```

    References:
        [Yu et al., 2019](https://arxiv.org/abs/1906.10770),
        [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762).
    """

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
        normalize_regions=False,
        position_grid=None,
        contextualizer=None,
        image_encoder=None,
        dtype=None,
        **kwargs,
    ):
        # === Layers ===
        check_size("num_layers", num_layers)
        self.question_encoder = QuestionEncoder(
            vocabulary_size,
            embedding_dim,
            hidden_dim,
            bidirectional=False,
            dtype=dtype,
            name="question_encoder",
        )
        self.region_encoder = RegionEncoder(
            hidden_dim,
            normalize=normalize_regions,
            dtype=dtype,
            name="region_encoder",
        )
        self.encoder_blocks, self.decoder_blocks = (
            [
                block_class(
                    num_heads,
                    intermediate_dim,
                    dropout,
                    dtype=dtype,
                    name=f"{name}_{layer + 1}",
                )
                for layer in range(num_layers)
            ]
            for block_class, name in [
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

        # === Functional model ===
        inputs, regions, regions_mask = self.image_inputs(
            image_encoder, regions_dim, dtype
        )
        inputs["token_ids"] = token_ids = self.question_input()
        _, words, words_mask = self.question_encoder(token_ids)
        regions = self.region_encoder(regions)
        regions, attention = self.contextualize(
            contextualizer, regions, regions_mask
        )
        if position_grid is not None:
            position_grid = _checked_grid(position_grid, image_encoder)
            regions = keras.layers.LayerNormalization(
                epsilon=1e-6,
                center=False,
                scale=False,
                dtype=dtype,
                name="position_norm",
            )(regions)
            regions = GridPositionEncoding(
                position_grid, dtype=dtype, name="grid_position_encoding"
            )(regions, regions_mask=regions_mask)
        for layer, block in enumerate(self.encoder_blocks, start=1):
            words, of_words = block(words, sequence_mask=words_mask)
            attention[f"words_to_words_{layer}"] = of_words
        for layer, block in enumerate(self.decoder_blocks, start=1):
            regions, (of_regions, to_words) = block(
                regions,
                words,
                sequence_mask=regions_mask,
                context_mask=words_mask,
            )
            attention[f"regions_to_regions_{layer}"] = of_regions
            attention[f"regions_to_words_{layer}"] = to_words
        question, attention["words_1"] = self.words_pooling(
            words, sequence_mask=words_mask
        )
        image, attention["hop_1"] = self.regions_pooling(
            regions, sequence_mask=regions_mask
        )
        fused = self.fused_norm(question + image)  # (B, output_dim)
        super().__init__(
            inputs=inputs,
            outputs={"fused": fused, "attention": attention},
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.set_config(
            vocabulary_size=vocabulary_size,
            regions_dim=regions_dim,
            embedding_dim=embedding_dim,
            hidden_dim=hidden_dim,
            num_heads=num_heads,
            num_layers=num_layers,
            intermediate_dim=intermediate_dim,
            output_dim=output_dim,
            dropout=dropout,
            normalize_regions=normalize_regions,
            position_grid=position_grid,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


def _checked_grid(position_grid, image_encoder):
    position_grid = tuple(position_grid)
    if image_encoder is not None:
        shape = tuple(image_encoder.output_shape[1:3])
        if position_grid != shape:
            raise ValueError(
                "`position_grid` must be the grid of `image_encoder`, "
                f"{shape}. Received: {position_grid}"
            )
    return position_grid


@keras.saving.register_keras_serializable(package="vqa_keras")
class TransformerVQA(VQA):
    """Visual question answering with a transformer of words and regions.

    `VQA` says what a task takes and does, `TransformerBackbone` what this one
    computes. As in the paper, the head by default is a single layer without
    dropout under a sigmoid:

        logits = W_A fused + b_A

    Example:
    ```python
    task = TransformerVQA(
        TransformerBackbone(vocabulary_size=20000), num_classes=3129
    )
    task.compile(optimizer=keras.optimizers.Adam(1e-4, beta_2=0.98))
    train = vqa_keras.data.load("records", "train", 64, shuffle=True)
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Yu et al., 2019](https://arxiv.org/abs/1906.10770).
    """

    backbone_cls = TransformerBackbone

    def __init__(
        self,
        backbone,
        num_classes,
        preprocessor=None,
        hidden_dim=None,
        dropout=0.0,
        activation="sigmoid",
        **kwargs,
    ):
        super().__init__(
            backbone,
            num_classes,
            preprocessor,
            hidden_dim=hidden_dim,
            dropout=dropout,
            activation=activation,
            **kwargs,
        )
