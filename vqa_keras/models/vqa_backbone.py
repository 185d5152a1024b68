import math
from typing import NamedTuple

import keras
from keras import ops

from vqa_keras.attention_axes import attention_axes
from vqa_keras.layers import QuestionEncoder
from vqa_keras.layers import RegionEncoder
from vqa_keras.layers.check_mask import check_input_mask
from vqa_keras.layers.masked_layer import MaskedLayer
from vqa_keras.models import parts
from vqa_keras.models.frozen_layers import freeze
from vqa_keras.models.saved_backbone import PARTS
from vqa_keras.models.saved_backbone import SavedBackbone


class Encoded(NamedTuple):
    """Outputs of the front end of a `VQABackbone`, the argument of `fuse`.

    Attributes:
        question: the whole question, `(B, D)`.
        words: `(B, N, D)`, zeros at padding.
        words_mask: int32, `(B, N)`, 0 at padding.
        regions: projected, in context if there is a contextualizer,
            `(B, M, D)`.
        regions_mask: int32, `(B, M)`, 0 at padding, or None without padding.
    """

    question: object
    words: object
    words_mask: object
    regions: object
    regions_mask: object


class VQABackbone(SavedBackbone):
    """Base class of the backbones: encodes question and image, then fuses them.

        question, words = BiLSTM(embedding(token_ids))
        regions         = contextualizer(W_I f + b_I)
        fused           = fuse(question, words, regions)

    A subclass creates the layers of its mechanism, calls `super().__init__`,
    and computes `fused` and its attention in `fuse`. It names the sizes of its
    paper and its own arguments, keeps each as an attribute, and passes the
    rest on in `**kwargs`; `CosineBackbone` is a short example. A subclass may
    have other default sizes than these.

    Args:
        vocabulary_size: int. Number of token ids, padding included.
        regions_dim: int. Width C of the region features; with an
            `image_encoder`, its number of channels. Defaults to 2048.
        embedding_dim: int. Width of a word embedding. Defaults to 512.
        hidden_dim: int, even. Width D of question, words and regions. Defaults
            to 512.
        dropout: float. Fraction of the word embeddings and of the projected
            regions to drop. Defaults to 0.
        normalize_regions: bool. Whether each region's features are scaled to
            unit length first (`RegionNormalization`). Defaults to `False`.
        contextualizer: optional layer that adds context to the projected
            regions, such as `SelfAttentionContextualizer`: called with
            `regions` and `regions_mask`, it returns regions of the same shape,
            or those and its weights, `(B, heads, M, M)`.
        image_encoder: optional Keras model from images of a fixed size to one
            grid `(B, h, w, C)`. It is part of the model, frozen or trained as
            its `trainable` says.
        question_encoder: optional layer in place of `QuestionEncoder`: called
            with `token_ids`, it returns `question, words, words_mask` of the
            shapes in `Encoded`, of width `hidden_dim`.
        dtype: dtype policy of the computation.
        name, trainable: as for a Keras model.

    Inputs: a dict of

        regions       region features, `(B, M, C)`; float16 as stored is fine
        regions_mask  int32, `(B, M)`, 0 at padding
        token_ids     int32, `(B, N)`, 0 at padding, which follows the words
        images        `(B, H, W, 3)`, 0 to 255, instead of regions and mask
                      with an `image_encoder`
        image_index   int32 `(B,)`, optional: the row of each question's image,
                      for image inputs with one row per image, `(I, ...)`,
                      as `vqa_keras.data.load(share_images=True)` gives them

    Outputs: `{"fused": (B, D), "attention": {name: weights}}`. A contextualizer
    with weights adds `regions_to_regions_context`.

    Raises:
        ValueError: if a size is too small, or a given part does not keep its
            contract.
        TypeError: for an unknown argument.
    """

    num_classes = None  # of the logits, where `fused` are those
    region_activation = None  # of the projection W_I f + b_I
    bidirectional = True  # whether the question encoder is

    def __init__(
        self,
        vocabulary_size,
        regions_dim=2048,
        embedding_dim=512,
        hidden_dim=512,
        dropout=0.0,
        normalize_regions=False,
        contextualizer=None,
        image_encoder=None,
        question_encoder=None,
        dtype=None,
        name=None,
        trainable=True,
        **unknown,
    ):
        self.refuse(unknown)
        if image_encoder is not None:
            parts.check_image_encoder(image_encoder)
            regions_dim = image_encoder.output_shape[-1]
        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.regions_dim = regions_dim
        self.embedding_dim = embedding_dim
        self.hidden_dim = hidden_dim
        self.dropout = dropout
        self.normalize_regions = normalize_regions

        # === Layers ===
        self.set_parts(contextualizer, image_encoder, question_encoder, dtype)
        self.region_encoder = self.make_region_encoder(dtype)

        # === Functional model ===
        inputs = self.image_inputs() | question_inputs()
        super().__init__(inputs, self.compute(inputs), dtype, name, trainable)

    def fuse(self, encoded):
        """Returns the fused vector and `{name: weights}`; creates no layers."""
        raise NotImplementedError(f"{type(self).__name__} must define `fuse`")

    def set_parts(self, contextualizer, image_encoder, question_encoder, dtype):
        """Sets the given parts as attributes and creates the others."""
        given = (question_encoder, image_encoder, contextualizer)
        self.given = [n for n, part in zip(PARTS, given, strict=True) if part]
        if image_encoder is not None and not image_encoder.trainable:
            freeze(image_encoder)
        self.image_encoder = image_encoder
        self.contextualizer = contextualizer or self.make_contextualizer(dtype)
        self.question_encoder = question_encoder or self.make_question_encoder(
            dtype
        )

    def make_contextualizer(self, dtype):
        """Returns the default contextualizer, or None."""
        return None

    def make_question_encoder(self, dtype):
        """Returns the default question encoder."""
        return QuestionEncoder(
            self.vocabulary_size,
            self.embedding_dim,
            self.hidden_dim,
            dropout=self.dropout,
            bidirectional=self.bidirectional,
            dtype=dtype,
            name="question_encoder",
        )

    def make_region_encoder(self, dtype):
        """Returns the layer that projects features to the model's width."""
        return RegionEncoder(
            self.hidden_dim,
            activation=self.region_activation,
            dropout=self.dropout,
            normalize=self.normalize_regions,
            dtype=dtype,
            name="region_encoder",
        )

    def image_inputs(self):
        """Returns the symbolic inputs of the image side by name."""
        if self.image_encoder is not None:
            shape = self.image_encoder.input_shape[1:]
            return {"images": keras.Input(shape, name="images")}
        if not self.regions_dim or self.regions_dim < 1:
            raise ValueError(
                "`regions_dim` must be the width of the region features if "
                f"there is no `image_encoder`. Received: {self.regions_dim}"
            )
        mask = keras.Input((None,), dtype="int32", name="regions_mask")
        regions = keras.Input((None, self.regions_dim), name="regions")
        return {"regions": regions, "regions_mask": mask}

    def call(self, inputs, training=None, mask=None):
        check_input_mask(inputs)
        if "image_index" not in inputs:
            return super().call(inputs, training=training, mask=mask)
        dtypes = {name: tensor.dtype for name, tensor in self.input.items()}
        given = {n: ops.cast(inputs[n], dtype) for n, dtype in dtypes.items()}
        index = ops.cast(inputs["image_index"], "int32")
        return self.compute({**given, "image_index": index})

    def compute(self, inputs):
        """Returns the outputs of the model for symbolic or concrete inputs."""
        encoded, attention = self.encode(inputs)
        fused, own_attention = self.fuse(encoded)
        attention |= own_attention
        for name, weights in attention.items():
            attention_axes(name, len(weights.shape) - 1)  # checks the name
        return {"fused": fused, "attention": attention}

    def encode(self, inputs):
        """Returns an `Encoded` and the attention of the front end, if any."""
        question, words, words_mask = self.encode_question(inputs["token_ids"])
        if self.image_encoder is None:
            features, mask = inputs["regions"], inputs["regions_mask"]
        else:
            grid, mask = self.image_encoder(inputs["images"]), None
            cells = math.prod(grid.shape[1:3])
            features = ops.reshape(grid, (-1, cells, grid.shape[-1]))
        regions, attention = self.encode_regions(features, mask)  # (I, M, D)
        per_image = (regions, mask, attention)
        regions, mask, attention = take_images(per_image, inputs)  # (B, M, D)
        encoded = Encoded(question, words, words_mask, regions, mask)
        return encoded, attention

    def encode_question(self, token_ids):
        """Returns `question, words, words_mask`."""
        encoder = self.question_encoder
        encoded = encoder(token_ids)
        parts.check_encoded_question(encoder, encoded, self.hidden_dim)
        return encoded

    def encode_regions(self, features, regions_mask):
        """Returns regions of width D and the contextualizer's attention."""
        encoder = self.region_encoder
        masks = {"regions_mask": regions_mask}
        takes_masks = isinstance(encoder, MaskedLayer)  # an Identity does not
        regions = encoder(features, **(masks if takes_masks else {}))
        return self.contextualize(regions, regions_mask)

    def contextualize(self, regions, regions_mask):
        """Returns regions in context and the contextualizer's attention."""
        if self.contextualizer is None:
            return regions, {}
        parts.check_contextualizer(self.contextualizer)
        outputs = self.contextualizer(regions, regions_mask=regions_mask)
        attention = {}
        if isinstance(outputs, (tuple, list)):
            outputs, weights = outputs
            attention = {"regions_to_regions_context": weights}
        parts.check_in_context(self.contextualizer, outputs, regions)
        return outputs, attention

    @property
    def grid_shape(self):
        """`(h, w)` of the image encoder's grid; None without an encoder."""
        if self.image_encoder is None:
            return None
        return tuple(self.image_encoder.output_shape[1:3])

    def with_image_encoder(self, image_encoder):
        """Returns a backbone with these weights whose inputs are pixels.

        The encoder must compute the features that the model was trained on. It
        is frozen, also after saving, until its `trainable` is set.
        """
        self.check_features(image_encoder)
        freeze(image_encoder)
        return self.twin(image_encoder)

    def check_features(self, image_encoder):
        """Raises ValueError unless an encoder computes the model's features."""
        width = image_encoder.output_shape
        width = width[-1] if isinstance(width, tuple) else None
        if width not in (None, self.regions_dim):
            raise ValueError(
                "`image_encoder` must compute the features this model was "
                f"trained on, of width {self.regions_dim}. Received: "
                f"output_shape={image_encoder.output_shape}"
            )

    def without_image_encoder(self):
        """Returns a backbone with these weights that takes region features."""
        return self.twin(None)


def question_inputs():
    """Returns the symbolic inputs of the question side by name."""
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    return {"token_ids": token_ids}


def take_images(tensors, inputs):
    """Repeats tensors with one row per image for the questions of a batch."""
    if "image_index" not in inputs:
        return tensors
    index = inputs["image_index"]
    return keras.tree.map_structure(
        lambda t: None if t is None else ops.take(t, index, axis=0), tensors
    )
