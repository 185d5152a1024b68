import math

import keras

from vqa_keras.layers import CNNLayerAttention
from vqa_keras.models.vqa_backbone import Encoded
from vqa_keras.models.vqa_backbone import VQABackbone
from vqa_keras.models.vqa_backbone import question_inputs
from vqa_keras.models.vqa_backbone import take_images

# The four stages of a ResNet on images of 448 x 448.
RESNET = ((112, 112, 256), (56, 56, 512), (28, 28, 1024), (14, 14, 2048))


class PyramidBackbone(VQABackbone):
    """Base class of the backbones that take the grids of several CNN layers.

        question, words = BiLSTM(embedding(token_ids))
        regions         = contextualizer(layer_attention(question, grids))
        fused           = fuse(question, words, regions)

    The image side is a pyramid of at least two grids. Its regions are the cells
    of the smallest grid, in raster order.

    Args:
        vocabulary_size: int. Number of token ids, padding included.
        grid_shapes: list of two or more `(h, w, C)`, that with the most cells
            first, each a whole multiple of the last; with an `image_encoder`,
            its own. Defaults to the stages of a ResNet.
        embedding_dim: int. Width of a word embedding. Defaults to 500.
        hidden_dim: int, even. Width D of question, words and regions. Defaults
            to 1024.
        use_content: bool. Whether the layer attention depends on the grids
            (the article) or on the question only (Nguyen and Okatani). Defaults
            to `False`.
        num_heads: int. Number of softmaxes over the layers that are averaged.
            Defaults to 1.
        dropout: float. Fraction of word embeddings and of regions to drop.
            Defaults to 0.
        normalize_regions: bool. Whether each projected region of each grid is
            scaled to unit length (`CNNLayerAttention`). Defaults to `True`.
        image_encoder: optional Keras model from images of a fixed size to a
            dict of two or more grids.
        contextualizer, question_encoder, dtype, name, trainable: as in
            `VQABackbone`.

    Inputs: `grid_1`, `grid_2`, ... `(B, h, w, C)`, float16 as stored is fine,
    instead of the `regions` and `regions_mask` of `VQABackbone`.

    Outputs: as of `VQABackbone`, with the attention `cnn_layers_1`, (B, L).

    Raises:
        ValueError: if the grids are not a pyramid, or as `VQABackbone` does.
        TypeError: for an unknown argument.
    """

    def __init__(
        self,
        vocabulary_size,
        grid_shapes=RESNET,
        embedding_dim=500,
        hidden_dim=1024,
        use_content=False,
        num_heads=1,
        dropout=0.0,
        normalize_regions=True,
        contextualizer=None,
        image_encoder=None,
        question_encoder=None,
        dtype=None,
        name=None,
        trainable=True,
        **unknown,
    ):
        self.refuse(unknown)
        received = f"grid_shapes={grid_shapes}"
        if image_encoder is not None:
            levels = shapes_by_level(image_encoder)
            self.levels, grid_shapes = list(levels), list(levels.values())
            received = f"image_encoder with grids {levels}"
        _check_shapes(grid_shapes, received)
        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.grid_shapes = [list(shape) for shape in grid_shapes]
        self.embedding_dim = embedding_dim
        self.hidden_dim = hidden_dim
        self.use_content = use_content
        self.num_heads = num_heads
        self.dropout = dropout
        self.normalize_regions = normalize_regions

        # === Layers ===
        self.set_parts(contextualizer, image_encoder, question_encoder, dtype)
        self.cnn_layer_attention = CNNLayerAttention(
            hidden_dim,
            use_content=use_content,
            num_heads=num_heads,
            normalize=normalize_regions,
            dtype=dtype,
            name="cnn_layer_attention",
        )
        self.regions_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="regions_dropout"
        )

        # === Functional model ===
        inputs = self.image_inputs() | question_inputs()
        super(VQABackbone, self).__init__(
            inputs, self.compute(inputs), dtype, name, trainable
        )

    def image_inputs(self):
        if self.image_encoder is not None:
            return super().image_inputs()
        return {
            f"grid_{i}": keras.Input(tuple(shape), name=f"grid_{i}")
            for i, shape in enumerate(self.grid_shapes, 1)
        }

    def encode(self, inputs):
        question, words, words_mask = self.encode_question(inputs["token_ids"])
        if self.image_encoder is None:
            numbers = range(1, len(self.grid_shapes) + 1)
            grids = [inputs[f"grid_{i}"] for i in numbers]
        else:
            outputs = self.image_encoder(inputs["images"])
            grids = [outputs[level] for level in self.levels]
        grids = take_images(grids, inputs)  # (B, h, w, C) each
        regions, weights = self.cnn_layer_attention(question, grids)
        regions = self.regions_dropout(regions)  # (B, M, D)
        regions, attention = self.contextualize(regions, None)
        encoded = Encoded(question, words, words_mask, regions, None)
        return encoded, {**attention, "cnn_layers_1": weights}

    @property
    def grid_shape(self):
        """`(h, w)` of the smallest grid, whose cells are the regions."""
        return tuple(self.grid_shapes[-1][:2])

    def check_features(self, image_encoder):
        shapes = list(shapes_by_level(image_encoder).values())
        if shapes != self.grid_shapes:
            raise ValueError(
                "`image_encoder` must compute the grids this model was "
                f"trained on, {self.grid_shapes}. Received: {shapes}"
            )


def shapes_by_level(image_encoder):
    """Returns the shapes of the encoder's grids by name, most cells first."""
    outputs = image_encoder.output
    outputs = outputs if isinstance(outputs, dict) else {"output": outputs}
    shapes = {name: list(t.shape[1:]) for name, t in outputs.items()}
    cells = {n: math.prod(c or 0 for c in s[:2]) for n, s in shapes.items()}
    names = sorted(shapes, key=lambda name: (-cells[name], name))
    return {name: shapes[name] for name in names}


def _check_shapes(shapes, received):
    sizes = [
        math.prod(shape[:2])
        for shape in shapes or []
        if len(shape) == 3 and None not in shape
    ]
    whole = len(sizes) == len(shapes or [])
    if len(sizes) < 2 or not whole or sizes != sorted(sizes, reverse=True):
        raise ValueError(
            "A pyramid must have at least two grids (height, width, channels) "
            "of fixed size, that with the most cells first; records have one "
            "with --levels=NAME,NAME, encoders return one as a dict. "
            f"Received: {received}"
        )
