import keras

from vqa_keras.layers import StackedAttention
from vqa_keras.models.vqa_backbone import VQABackbone


@keras.saving.register_keras_serializable(package="vqa_keras")
class StackedBackbone(VQABackbone):
    """Stacked Attention Network (SAN): several hops of attention to the image.

        v_i     = tanh(W_I f_i + b_I)
        query_0 = question
        p^j     = attention_j(query_{j-1}, v)
        query_j = query_{j-1} + sum_i p_i^j v_i
        fused   = query_H

    Departures from the paper: the question encoder is a bidirectional LSTM (the
    paper: one LSTM, or a CNN); its head is `VQA(backbone, hidden_dim=None)`.

    Args:
        attention_dim: int. Width K of the attention's hidden layer. Defaults to
            512.
        num_hops: int. Number of hops H. Defaults to 2.
        share_weights: bool. Whether all hops use the same layer. Defaults to
            `False`.
        **kwargs: passed to `VQABackbone`, which documents the other arguments.

    Attention: `regions_1`, ..., `regions_H`, each (B, M).

    Example:
    ```python
    backbone = vqa_keras.models.StackedBackbone(
        vocabulary_size=10, regions_dim=32, hidden_dim=16
    )
    inputs = {
        "token_ids": keras.ops.array([[3, 8, 5], [4, 2, 0]]),
        "regions": keras.random.normal((2, 49, 32)),
        "regions_mask": keras.ops.ones((2, 49), "int32"),
    }
    outputs = backbone(inputs)
    print(outputs["fused"].shape)  # (2, 16)
    print(outputs["attention"]["regions_2"].shape)  # (2, 49)
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
