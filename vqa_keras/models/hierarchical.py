import keras
from keras import layers
from keras import ops

from vqa_keras.layers import AlternatingCoAttention
from vqa_keras.layers import JointCoAttention
from vqa_keras.layers import PhraseEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone

LEVELS = ("word", "phrase", "question")


@keras.saving.register_keras_serializable(package="vqa_keras")
class HierarchicalBackbone(VQABackbone):
    """Co-attention to the words, the phrases and the question as a whole.

    The question is read at three levels, each made from the one before:

        words_n   = tanh(embedding_n)
        phrases_n = the strongest of one, two or three words at n, by unit
        states_n  = LSTM(phrases_1, ..., phrases_n)

    At each level, question and image attend to each other, side by side
    (`JointCoAttention`) or in turns (`AlternatingCoAttention`), with weights of
    the level's own. What they find, q and v, is encoded from the words up:

        h_word     = tanh(W_w (q_word + v_word) + b_w)
        h_phrase   = tanh(W_p [q_phrase + v_phrase; h_word] + b_p)
        h_question = tanh(W_s [q_question + v_question; h_phrase] + b_s)
        fused      = h_question

    The regions tanh(W_I f + b_I) are the same at all levels.

    Departures from the paper: its released code has a second LSTM layer, and
    what is said at `JointCoAttention` and `PhraseEncoder`.

    Args:
        vocabulary_size: int, the words known, with padding and unknown word.
        regions_dim: int, width C of the region features; not used with an
            image encoder.
        hidden_dim: int, width D of the word embeddings, of all levels and of
            the regions, and of the first two encodings.
        attention_dim: int, width K of the attentions' hidden layers.
        final_dim: int, width of the last encoding.
        alternating: bool. Whether the sides attend in turns; in parallel
            otherwise.
        dropout: float, dropped share of the words, the phrases, the projected
            regions, and what enters each of the encodings. 0.5 in the released
            code.
        normalize_regions: bool, whether each region's features are scaled to
            unit length.
        contextualizer: optional layer that adds context to the projected
            regions; see `VQABackbone`.
        image_encoder: optional Keras model from images to a grid; see
            `VQABackbone`.
        dtype: dtype policy of the computation.

    Inputs:
        regions: region features, `(B, M, C)`; float16 as stored is fine.
        regions_mask: int32, `(B, M)`, 0 at padding.
        images: instead of both, with an image encoder: `(B, H, W, 3)`, 0..255.
        token_ids: int32, `(B, N)`, 0 at padding, which comes after the words.

    Outputs:
        `{"fused": (B, final_dim), "attention": {...}}`. The attention holds at
        each level, such as `word`, `hop_word` (B, M) and `words_word` (B, N),
        and in parallel `affinity_word` (B, N, M), in turns the weights of the
        first turn, `words_start_word` (B, N).

    Example:
    ```python
    backbone = HierarchicalBackbone(vocabulary_size=10000, alternating=True)
    outputs = backbone(
        {"regions": regions, "regions_mask": mask, "token_ids": token_ids}
    )
    outputs["attention"]["hop_phrase"]  # (B, M)
    ```

    Reference:
        [Lu et al., 2016](https://arxiv.org/abs/1606.00061).
    """

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        hidden_dim=512,
        attention_dim=512,
        final_dim=1024,
        alternating=False,
        dropout=0.0,
        normalize_regions=False,
        contextualizer=None,
        image_encoder=None,
        dtype=None,
        **kwargs,
    ):
        # === Layers ===
        self.word_embedding = layers.Embedding(
            vocabulary_size,
            hidden_dim,
            # As in `QuestionEncoder`: tiny embeddings make words alike.
            embeddings_initializer=keras.initializers.RandomUniform(-0.5, 0.5),
            dtype=dtype,
            name="word_embedding",
        )
        self.word_dropout = layers.Dropout(
            dropout, dtype=dtype, name="word_dropout"
        )
        self.phrase_encoder = PhraseEncoder(
            hidden_dim, dtype=dtype, name="phrase_encoder"
        )
        self.phrase_dropout = layers.Dropout(
            dropout, dtype=dtype, name="phrase_dropout"
        )
        self.question_lstm = layers.LSTM(
            hidden_dim, return_sequences=True, dtype=dtype, name="question_lstm"
        )
        self.region_encoder = RegionEncoder(
            hidden_dim,
            activation="tanh",
            dropout=dropout,
            normalize=normalize_regions,
            dtype=dtype,
            name="region_encoder",
        )
        co_attention = (
            AlternatingCoAttention if alternating else JointCoAttention
        )
        self.co_attentions = [
            co_attention(
                attention_dim, dtype=dtype, name=f"{level}_co_attention"
            )
            for level in LEVELS
        ]
        self.dropouts = [
            layers.Dropout(dropout, dtype=dtype, name=f"{level}_fused_dropout")
            for level in LEVELS
        ]
        self.denses = [
            layers.Dense(
                units, activation="tanh", dtype=dtype, name=f"{level}_dense"
            )
            for level, units in zip(
                LEVELS, (hidden_dim, hidden_dim, final_dim), strict=True
            )
        ]

        # === Functional model ===
        inputs, regions, regions_mask = self.image_inputs(
            image_encoder, regions_dim, dtype
        )
        inputs["token_ids"] = token_ids = self.question_input()
        regions = self.region_encoder(regions)
        regions, attention = self.contextualize(
            contextualizer, regions, regions_mask
        )
        masks = {
            "words_mask": ops.cast(ops.not_equal(token_ids, 0), "int32"),
            "regions_mask": regions_mask,
        }
        words = self.word_dropout(ops.tanh(self.word_embedding(token_ids)))
        phrases = self.phrase_dropout(
            self.phrase_encoder(words, words_mask=masks["words_mask"])
        )
        # Padding comes last: the states at the words do not know of it, and
        # the co-attention does not look at the others.
        states = self.question_lstm(phrases)
        fused = None
        for i, sequence in enumerate((words, phrases, states)):  # (B, N, D)
            filtered, weights = self.co_attentions[i](
                sequence, regions, **masks
            )
            found = filtered[0] + filtered[1]  # (B, D)
            if fused is not None:
                found = ops.concatenate([found, fused], axis=-1)
            fused = self.denses[i](self.dropouts[i](found))
            attention[f"hop_{LEVELS[i]}"] = weights[1]
            attention[f"words_{LEVELS[i]}"] = weights[0]
            third = "words_start" if alternating else "affinity"
            attention[f"{third}_{LEVELS[i]}"] = weights[2]
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
            hidden_dim=hidden_dim,
            attention_dim=attention_dim,
            final_dim=final_dim,
            alternating=alternating,
            dropout=dropout,
            normalize_regions=normalize_regions,
            contextualizer=contextualizer,
            image_encoder=image_encoder,
        )


@keras.saving.register_keras_serializable(package="vqa_keras")
class HierarchicalVQA(VQA):
    """Visual question answering with hierarchical co-attention.

    `VQA` says what a task takes and does, `HierarchicalBackbone` what this one
    computes. The paper's head has no hidden layer: `hidden_dim=None`.

    Example:
    ```python
    task = HierarchicalVQA(
        HierarchicalBackbone(vocabulary_size=10000, dropout=0.5),
        num_classes=1000,
        hidden_dim=None,
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Lu et al., 2016](https://arxiv.org/abs/1606.00061).
    """

    backbone_cls = HierarchicalBackbone
