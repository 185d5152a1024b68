import keras

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.masked_layer import MaskedLayer
from vqa_keras.layers.region_normalization import RegionNormalization
from vqa_keras.layers.zero_padding import zero_padding


@keras.saving.register_keras_serializable(package="vqa_keras")
class RegionEncoder(MaskedLayer):
    """Projects the features of each region to the width of the question.

        region_i = dropout(activation(W f_i + b))

    Each region is projected by itself; a contextualizer after this layer adds
    context.

    Args:
        hidden_dim: int. Width D of the output.
        activation: optional argument of `keras.activations.get`. Several papers
            have `"tanh"`. Defaults to `None`, the form of the article.
        dropout: float. Fraction of the output's units to drop in training.
            Defaults to 0.
        normalize: bool. Whether to scale the features of each region to unit
            length first (`RegionNormalization`). Defaults to `False`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        regions: region features, `(B, M, C)`.
        regions_mask: optional bool or int, `(B, M)`, 0 at padding. Defaults to
            the Keras mask attached to `regions`.

    Returns:
        regions: `(B, M, D)`, zeros at padding. Without a mask, padding of zeros
            becomes activation(b), so the layers that follow need the mask.

    Raises:
        ValueError: if `hidden_dim < 1`, `dropout` is outside [0, 1) or
            `regions` is not of rank 3, or the mask has another shape.

    Example:
    ```python
    regions = keras.random.normal((2, 49, 512))
    encoder = vqa_keras.layers.RegionEncoder(hidden_dim=64, activation="tanh")
    print(encoder(regions).shape)  # (2, 49, 64)
    ```

    Reference:
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    keeps = ("regions",)

    def __init__(
        self,
        hidden_dim,
        activation=None,
        dropout=0.0,
        normalize=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_size("hidden_dim", hidden_dim)
        if not 0 <= dropout < 1:
            raise ValueError(
                f"`dropout` must be in [0, 1). Received: {dropout}"
            )
        self.hidden_dim = hidden_dim
        self.activation = keras.activations.get(activation)
        self.dropout = dropout
        self.normalize = normalize
        dtype = self.dtype_policy
        self.region_normalization = RegionNormalization(
            dtype=dtype, name="region_normalization"
        )
        self.regions_dense = keras.layers.Dense(
            hidden_dim,
            activation=self.activation,
            dtype=dtype,
            name="regions_dense",
        )
        self.regions_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="regions_dropout"
        )

    def build(self, regions_shape):
        if len(regions_shape) != 3:
            raise ValueError(
                "`regions` must have shape (batch, regions, features); flatten "
                f"a CNN grid first. Received: regions.shape={regions_shape}"
            )
        self.regions_dense.build(regions_shape)

    def call(self, regions, regions_mask=None):
        regions = zero_padding(regions, regions_mask, "regions_mask")
        if self.normalize:
            regions = self.region_normalization(regions)
        regions = self.regions_dropout(self.regions_dense(regions))
        return zero_padding(regions, regions_mask)

    def compute_output_shape(self, regions_shape):
        return (*regions_shape[:-1], self.hidden_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout,
            "normalize": self.normalize,
        }
