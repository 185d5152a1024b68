import inspect

import keras
import keras_hub
from keras import layers


class VQABackbone(keras_hub.models.Backbone):
    """Base class of the backbones: a question and an image become one vector.

    A backbone is a functional Keras model from named inputs to

        {"fused": (B, D), "attention": {name: weights}}

    Its image side is one of two. Without `image_encoder` the inputs are region
    features, as the records hold them: `{"regions": (B, M, C),
    "regions_mask": int32 (B, M), "token_ids": int32 (B, N)}`. With an
    `image_encoder` they are pixels: `{"images": (B, H, W, 3), "token_ids"}`,
    and the encoder is part of the model, frozen or trained as its `trainable`
    says. `with_image_encoder` and `without_image_encoder` change one form into
    the other and keep the weights.

    A `contextualizer` is a layer that adds to each region what it knows of
    the others, such as `SelfAttentionContextualizer`: called with `regions`,
    `(B, M, D)`, and `regions_mask`, it returns regions of the same shape, or
    those and its weights, `(B, heads, M, M)`. Every backbone applies it to the
    projected regions, before any attention.

    A subclass builds its layers, takes its inputs from `image_inputs` and
    `question_input`, and ends with `set_config`.
    """

    @staticmethod
    def image_inputs(image_encoder, regions_dim, dtype=None):
        """Returns `inputs, regions, regions_mask` of a backbone's image side.

        Args:
            image_encoder: None, or a Keras model from images of a fixed size
                to one grid `(B, h, w, C)`, flattened in raster order.
            regions_dim: int, the width C of the features without an encoder.
            dtype: dtype policy.

        Raises:
            ValueError: if the encoder has no fixed image size or gives
                anything but one grid, or if there is neither an encoder nor
                `regions_dim`.
        """
        if image_encoder is None:
            if not regions_dim or regions_dim < 1:
                raise ValueError(
                    "Without `image_encoder`, `regions_dim` must be the width "
                    f"of the region features. Received: {regions_dim}"
                )
            regions = keras.Input((None, regions_dim), name="regions")
            mask = keras.Input((None,), dtype="int32", name="regions_mask")
            return {"regions": regions, "regions_mask": mask}, regions, mask
        shape = image_encoder.input_shape
        grid_shape = image_encoder.output_shape
        if not all(
            isinstance(s, tuple) and len(s) == 4 and None not in s[1:]
            for s in (shape, grid_shape)
        ):
            raise ValueError(
                "`image_encoder` must turn images of a fixed size into one "
                "grid of shape (batch, height, width, channels). Received: "
                f"input_shape={shape}, output_shape={grid_shape}"
            )
        if not image_encoder.trainable:
            freeze(image_encoder)
        images = keras.Input(shape[1:], name="images")
        regions = layers.Reshape(
            (-1, grid_shape[-1]), dtype=dtype, name="regions"
        )(image_encoder(images))
        return {"images": images}, regions, None

    @staticmethod
    def question_input():
        """Returns the input `token_ids`, int32, `(B, N)`, 0 at padding."""
        return keras.Input((None,), dtype="int32", name="token_ids")

    @staticmethod
    def contextualize(contextualizer, regions, regions_mask):
        """Returns regions in context, and the attention that made it, if any.

        Args:
            contextualizer: layer or None; see the class.
            regions: `(B, M, D)`.
            regions_mask: int32, `(B, M)`, or None.

        Returns:
            `regions, attention`: `(B, M, D)`, and a dict that holds
            `regions_to_regions_context` if the layer returns weights.

        Raises:
            ValueError: if the layer takes something else than `regions` and
                `regions_mask`, or changes the shape of the regions.
        """
        if contextualizer is None:
            return regions, {}
        _check_call(contextualizer)
        outputs = contextualizer(regions, regions_mask=regions_mask)
        attention = {}
        if isinstance(outputs, (tuple, list)):
            outputs, weights = outputs
            attention = {"regions_to_regions_context": weights}
        if outputs.shape != regions.shape:
            raise ValueError(
                "`contextualizer` must keep the shape of the regions, "
                f"{regions.shape}. Received: {contextualizer.name}, which "
                f"gives {outputs.shape}"
            )
        return outputs, attention

    def set_config(self, **arguments):
        """Keeps the constructor's arguments as attributes and for `get_config`.

        `regions_dim` becomes the image encoder's width if there is one.
        """
        encoder = arguments["image_encoder"]
        if encoder is not None and "regions_dim" in arguments:
            arguments["regions_dim"] = encoder.output_shape[-1]
        for name, value in arguments.items():
            setattr(self, name, value)
        self._argument_names = tuple(arguments)

    @property
    def grid_shape(self):
        """`(h, w)` of the image encoder's grid; None without an encoder."""
        if self.image_encoder is None:
            return None
        return tuple(self.image_encoder.output_shape[1:3])

    def with_image_encoder(self, image_encoder):
        """Returns a backbone with these weights whose inputs are pixels.

        Raises:
            ValueError: if the encoder's grid has another width C than the
                region features, or its output is not one grid.
        """
        width = image_encoder.output_shape
        width = width[-1] if isinstance(width, tuple) else None
        if width not in (None, self.regions_dim):
            raise ValueError(
                "`image_encoder` must give the features this model was trained "
                f"on, of width {self.regions_dim}. Received: output_shape="
                f"{image_encoder.output_shape}"
            )
        return self._twin(image_encoder)

    def without_image_encoder(self):
        """Returns a backbone with these weights that takes region features."""
        return self._twin(None)

    def _twin(self, image_encoder):
        config = {**self.get_config(), "image_encoder": image_encoder}
        twin = type(self).from_config(config)
        own = {layer.name: layer for layer in self.layers if layer.weights}
        for layer in twin.layers:
            if layer.weights and layer is not twin.image_encoder:
                layer.set_weights(own[layer.name].get_weights())
        return twin

    def get_config(self):
        config = super().get_config()
        for name in self._argument_names:
            value = getattr(self, name)
            if isinstance(value, keras.Layer):
                value = keras.saving.serialize_keras_object(value)
            config[name] = value
        return config

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for name in ("image_encoder", "contextualizer"):
            if isinstance(config.get(name), dict):
                config[name] = keras.saving.deserialize_keras_object(
                    config[name]
                )
        backbone = super().from_config(config)
        if not backbone.trainable:
            freeze(backbone)
        return backbone


def _check_call(contextualizer):
    arguments = inspect.signature(contextualizer.call).parameters.values()
    needed = [a.name for a in arguments if a.default is a.empty]
    names = [a.name for a in arguments]
    if len(needed) != 1 or "regions_mask" not in names:
        raise ValueError(
            "`contextualizer` must be a layer called with regions and the "
            "keyword `regions_mask`, such as SelfAttentionContextualizer. "
            f"Received: {type(contextualizer).__name__}, which takes "
            f"{', '.join(names)}"
        )


def freeze(model):
    """Freezes all weights of a model that says it is frozen.

    Keras restores the flag of a functional model but not that of its weights,
    and with TensorFlow a flag that does not change is not passed on.
    """
    model.trainable = True
    model.trainable = False
