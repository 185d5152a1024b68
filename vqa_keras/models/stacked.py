import keras

from vqa_keras.layers import StackedAttention
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class StackedBackbone(VQABackbone):
    """Stacked Attention Network: the question attends to the image repeatedly.

        v_i     = tanh(W_I f_i + b_I)
        query_0 = question
        p^j     = attention_j(query_{j-1}, v)
        query_j = query_{j-1} + sum_i p_i^j v_i
        fused   = query_H

    Departures from the paper: the question is read by a bidirectional LSTM (the
    paper: one LSTM, or a CNN); its head is `VQA(backbone, hidden_dim=None)`.

    Args:
        attention_dim: int, width K of the attention's hidden layer.
        num_hops: int, number of hops H.
        share_weights: bool, whether all hops are the same layer.

    Attention: `regions_1`, ..., `hop_H`, each (B, M).

    Example:
    ```python
    backbone = StackedBackbone(vocabulary_size=10000, regions_dim=2048)
    task = VQA(backbone, num_classes=1000)
    task.compile(optimizer="adam")
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, epochs=10)
    ```

    Reference:
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    region_activation = "tanh"

    def __init__(
        self,
        vocabulary_size,
        regions_dim=512,
        embedding_dim=500,
        hidden_dim=1024,
        attention_dim=512,
        num_hops=2,
        share_weights=False,
        dtype=None,
        **kwargs,
    ):
        self.attention_dim = attention_dim
        self.num_hops = num_hops
        self.share_weights = share_weights
        self.stacked_attention = StackedAttention(
            attention_dim,
            num_hops=num_hops,
            share_weights=share_weights,
            dtype=dtype,
            name="stacked_attention",
        )
        sizes = (regions_dim, embedding_dim, hidden_dim)
        super().__init__(vocabulary_size, *sizes, dtype=dtype, **kwargs)

    def fuse(self, encoded):
        query, weights = self.stacked_attention(
            encoded.question,
            encoded.regions,
            regions_mask=encoded.regions_mask,
        )  # (B, D), (B, H, M)
        hops = range(self.num_hops)
        return query, {f"regions_{j + 1}": weights[:, j] for j in hops}
