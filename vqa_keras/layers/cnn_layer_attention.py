import keras
from keras import ops

from vqa_keras.layers.arguments import check_size
from vqa_keras.layers.attention_layer import AttentionLayer
from vqa_keras.layers.keras_mask import get_keras_mask
from vqa_keras.layers.region_normalization import RegionNormalization


@keras.saving.register_keras_serializable(package="vqa_keras")
class CNNLayerAttention(AttentionLayer):
    """CNN-layer attention: averages a CNN's layers, weighted by the question.

    Projects grids of several sizes and depths to L sets of the same M regions,
    and returns their mean under L weights:

        V_l     = normalize(W_l max_pool(grid_l) + b_l)      (B, M, D)
        p       = mean_heads softmax_l(scores_l)             (B, L)
        regions = sum_l p_l V_l

    `max_pool` reduces every grid to the smallest one, and `normalize` scales
    each region to unit length, so that no CNN layer outweighs the others by
    its magnitude. Each head has scores of its own, in one of two forms:

        scores_l = [W_2 relu(W_1 question + b_1) + b_2]_l
        scores_l = mean_i w . tanh(W_Q question + b_Q + W_V V_{l,i})

    The first form depends on the question only (Nguyen and Okatani); the
    second, with `use_content`, also on the content of the layers, which share
    its parameters (the article). Both hidden layers have width D / 2.

    Args:
        hidden_dim: int, at least 2. Width D of the output.
        use_content: bool. Whether the scores depend on the grids too. Defaults
            to `False`.
        num_heads: int. Number of softmaxes that are averaged. Defaults to 1;
            the paper has 4.
        normalize: bool. Whether each projected region is scaled to unit length.
            Defaults to `True`.
        **kwargs: passed to `keras.layers.Layer`.

    Call arguments:
        question: question embedding, `(B, D_Q)`.
        grids: list of L CNN outputs, `(B, h_l, w_l, C_l)`, in any order. Every
            side is a whole multiple of the smallest grid's.

    Returns:
        regions: `(B, M, D)`, M = h w cells of the smallest grid in raster
            order. A single grid is only projected and normalized.
        weights: float32, `(B, L)`, in the order of `grids`, summing to 1.

    Raises:
        ValueError: if `hidden_dim < 2` or `num_heads < 1`, `question` is not of
            rank 2, or `grids` is not a list of rank 4 tensors of fixed sizes
            that are multiples of the smallest, or a Keras mask is attached to
            one: there is no padding in a CNN's grid.

    Departures from the article: it sums the scores of all regions of a layer,
    which makes the softmax over the layers nearly one-hot; here they are
    averaged. Its scores are linear, so the question would cancel in the
    softmax; the tanh is that of `ParametricAttention`.

    Example:
    ```python
    question = keras.random.normal((2, 64))
    grids = [
        keras.random.normal((2, 14, 14, 128)),
        keras.random.normal((2, 7, 7, 256)),
    ]
    layer = vqa_keras.layers.CNNLayerAttention(hidden_dim=64)
    regions, weights = layer(question, grids)
    print(regions.shape, weights.shape)  # (2, 49, 64) (2, 2)
    ```

    Reference:
        [Nguyen and Okatani, 2018](https://arxiv.org/abs/1804.00775).
    """

    def __init__(
        self,
        hidden_dim,
        use_content=False,
        num_heads=1,
        normalize=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_size("hidden_dim", hidden_dim, minimum=2)
        check_size("num_heads", num_heads)
        self.hidden_dim = hidden_dim
        self.use_content = use_content
        self.num_heads = num_heads
        self.normalize = normalize
        dtype = self.dtype_policy
        self.normalization = RegionNormalization(
            dtype=dtype, name="normalization"
        )
        self.question_dense = keras.layers.Dense(
            hidden_dim // 2,
            activation=None if use_content else "relu",
            dtype=dtype,
            name="question_dense",
        )
        if use_content:
            self.regions_dense = keras.layers.Dense(
                hidden_dim // 2,
                use_bias=False,
                dtype=dtype,
                name="regions_dense",
            )

    def build(self, question_shape, grids_shape):
        self.check_rank("question", question_shape, "batch", "features")
        height, width = smallest_grid(grids_shape)
        dtype = self.dtype_policy
        self.grid_denses = []
        for i, shape in enumerate(grids_shape, 1):
            dense = keras.layers.Dense(
                self.hidden_dim, dtype=dtype, name=f"grid_{i}_dense"
            )
            dense.build((shape[0], height, width, shape[-1]))
            self.grid_denses.append(dense)
        num_scores = 1 if self.use_content else len(grids_shape)
        self.score_dense = keras.layers.Dense(
            self.num_heads * num_scores,
            use_bias=not self.use_content,  # softmax would cancel a shared one
            dtype=dtype,
            name="score_dense",
        )
        self.question_dense.build(question_shape)
        self.score_dense.build((question_shape[0], self.hidden_dim // 2))
        if self.use_content:
            self.regions_dense.build((None, None, None, self.hidden_dim))

    def call(self, question, grids):
        if any(get_keras_mask(grid) is not None for grid in grids):
            raise ValueError(
                "`grids` must be without padding, as those of a CNN are. "
                "Received: a Keras mask attached to one of them"
            )
        size = smallest_grid([tuple(grid.shape) for grid in grids])
        layers = ops.stack(
            [
                self._regions(dense, grid, size)
                for dense, grid in zip(self.grid_denses, grids, strict=True)
            ],
            axis=1,
        )  # (B, L, M, D)
        hidden = self.question_dense(question)  # (B, D / 2)
        if self.use_content:
            hidden = self.regions_dense(layers) + hidden[:, None, None]
            scores = self.score_dense(ops.tanh(hidden))  # (B, L, M, heads)
            scores = ops.swapaxes(ops.mean(scores, axis=2), 1, 2)
        else:
            scores = ops.reshape(
                self.score_dense(hidden), (-1, self.num_heads, len(grids))
            )  # (B, heads, L), as in the branch above
        weights = ops.mean(self.softmax(scores), axis=1)  # (B, L)
        regions = self.weighted_sum("bl,blmd->bmd", weights, layers)
        return regions, weights

    def _regions(self, dense, grid, size):
        factors = (grid.shape[1] // size[0], grid.shape[2] // size[1])
        if factors != (1, 1):
            grid = ops.max_pool(
                grid, factors, factors, data_format="channels_last"
            )
        regions = dense(grid)
        if self.normalize:
            regions = self.normalization(regions)
        return ops.reshape(regions, (-1, size[0] * size[1], self.hidden_dim))

    def compute_output_shape(self, question_shape, grids_shape):
        height, width = smallest_grid(grids_shape)
        return (
            (question_shape[0], height * width, self.hidden_dim),
            (question_shape[0], len(grids_shape)),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "use_content": self.use_content,
            "num_heads": self.num_heads,
            "normalize": self.normalize,
        }


def smallest_grid(shapes):
    """Returns `(h, w)` of the smallest grid, of which the others are multiples.

    Args:
        shapes: list of `(B, h, w, C)`.

    Raises:
        ValueError: if the list is empty, or a shape is not of rank 4, not of
            fixed size or not a whole multiple of the smallest.
    """
    if not shapes or any(
        not isinstance(shape, (list, tuple))
        or len(shape) != 4
        or None in shape[1:]
        for shape in shapes
    ):
        raise ValueError(
            "`grids` must be a list of CNN grids of shape (batch, height, "
            f"width, channels) and fixed sizes. Received: shapes={shapes}"
        )
    sizes = [tuple(shape[1:3]) for shape in shapes]
    height, width = min(sizes)
    if any(h % height or w % width for h, w in sizes):
        raise ValueError(
            "The sizes of `grids` must be whole multiples of the smallest. "
            f"Received: (height, width)={sizes}"
        )
    return height, width
