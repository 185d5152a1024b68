import keras
from keras import layers
from keras import ops

from vqa_keras.layers import AlternatingCoAttention
from vqa_keras.layers import JointCoAttention
from vqa_keras.layers import PhraseEncoder
from vqa_keras.layers import WordEncoder
from vqa_keras.models.vqa_backbone import VQABackbone

LEVELS = ("word", "phrase", "question")


@keras.saving.register_keras_serializable(package="vqa_keras")
class HierarchicalBackbone(VQABackbone):
    """Hierarchical co-attention over words, phrases and question (HieCoAtt).

    The question has three levels, each computed from the one before:

        words_n   = tanh(embedding_n)
        phrases_n = PhraseEncoder(words)_n
        states_n  = LSTM(phrases_1, ..., phrases_n)

    Each level has a co-attention with the regions, parallel
    (`JointCoAttention`) or alternating (`AlternatingCoAttention`), with weights
    of its own. The filtered vectors q and v are encoded from words up:

        h_word     = tanh(W_w (q_word + v_word) + b_w)
        h_phrase   = tanh(W_p [q_phrase + v_phrase; h_word] + b_p)
        h_question = tanh(W_s [q_question + v_question; h_phrase] + b_s)
        fused      = h_question

    The regions tanh(W_I f + b_I) are the same at all levels.

    Departures from the paper: its released code has a second LSTM layer, and
    its head has no hidden layer.

    Args:
        hidden_dim: int. Width D of words, levels, regions and encodings.
            Defaults to 512.
        attention_dim: int. Width K of the attentions' hidden layers. Defaults
            to 512.
        final_dim: int. Width of the last encoding, which is `fused`. Defaults
            to 1024.
        alternating: bool. Whether the co-attention is alternating. Defaults to
            `False`, parallel.
        dropout: float. Fraction to drop of words, phrases, regions and the
            inputs of the encodings; 0.5 in the released code. Defaults to 0.
        question_encoder: optional layer in place of `WordEncoder`; its words
            are the first level.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.
            There is no `embedding_dim`: it is `hidden_dim`.

    Attention, at each level, such as `word`: `regions_word` (B, M),
    `words_word` (B, N), and, if parallel, `affinity_word` (B, N, M), if
    alternating, the weights of the first step, `words_start_word` (B, N).

    Reference:
        [Lu et al., 2016](https://arxiv.org/abs/1606.00061).
    """

    region_activation = "tanh"
    fixed_arguments = ("embedding_dim",)  # it is hidden_dim

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        hidden_dim=512,
        attention_dim=512,
        final_dim=1024,
        alternating=False,
        dropout=0.0,
        dtype=None,
        **kwargs,
    ):
        self.refuse(kwargs.keys() & set(self.fixed_arguments))
        self.attention_dim = attention_dim
        self.final_dim = final_dim
        self.alternating = alternating
        self.phrase_encoder = PhraseEncoder(
            hidden_dim, dtype=dtype, name="phrase_encoder"
        )
        self.phrase_dropout = layers.Dropout(
            dropout, dtype=dtype, name="phrase_dropout"
        )
        self.question_lstm = layers.LSTM(
            hidden_dim, return_sequences=True, dtype=dtype, name="question_lstm"
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
        widths = (hidden_dim, hidden_dim, final_dim)
        self.denses = [
            layers.Dense(
                width, activation="tanh", dtype=dtype, name=f"{level}_dense"
            )
            for level, width in zip(LEVELS, widths, strict=True)
        ]
        sizes = (regions_dim, hidden_dim, hidden_dim, dropout)
        super().__init__(vocabulary_size, *sizes, dtype=dtype, **kwargs)

    def make_question_encoder(self, dtype):
        return WordEncoder(
            self.vocabulary_size,
            self.hidden_dim,
            self.dropout,
            dtype=dtype,
            name="word_encoder",
        )

    def fuse(self, encoded):
        words, words_mask = encoded.words, encoded.words_mask
        phrases = self.phrase_encoder(words, words_mask=words_mask)
        phrases = self.phrase_dropout(phrases)
        # No mask: padding follows the words, whose states it cannot change.
        states = self.question_lstm(phrases)
        fused, attention = None, {}
        for i, sequence in enumerate((words, phrases, states)):  # (B, N, D)
            filtered, weights = self.co_attentions[i](
                sequence,
                encoded.regions,
                words_mask=words_mask,
                regions_mask=encoded.regions_mask,
            )
            level = filtered[0] + filtered[1]  # (B, D)
            if fused is not None:
                level = ops.concatenate([level, fused], axis=-1)
            fused = self.denses[i](self.dropouts[i](level))
            attention[f"regions_{LEVELS[i]}"] = weights[1]
            attention[f"words_{LEVELS[i]}"] = weights[0]
            third = "words_start" if self.alternating else "affinity"
            attention[f"{third}_{LEVELS[i]}"] = weights[2]
        return fused, attention
