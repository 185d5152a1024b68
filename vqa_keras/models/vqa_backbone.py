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

    A subclass builds its layers, calls `image_inputs` for the image side, and
    lists its own arguments in `get_config`.
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
            _freeze(image_encoder)
        images = keras.Input(shape[1:], name="images")
        regions = layers.Reshape(
            (-1, grid_shape[-1]), dtype=dtype, name="regions"
        )(image_encoder(images))
        return {"images": images}, regions, None

    @staticmethod
    def features_dim(image_encoder, regions_dim):
        """Returns the width C of the region features, whoever makes them."""
        if image_encoder is None:
            return regions_dim
        return image_encoder.output_shape[-1]

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
            if layer.weights and layer is not image_encoder:
                layer.set_weights(own[layer.name].get_weights())
        return twin

    def get_config(self):
        encoder = self.image_encoder
        if encoder is not None:
            encoder = keras.saving.serialize_keras_object(encoder)
        return {**super().get_config(), "image_encoder": encoder}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        if isinstance(config.get("image_encoder"), dict):
            config["image_encoder"] = keras.saving.deserialize_keras_object(
                config["image_encoder"]
            )
        backbone = super().from_config(config)
        if not backbone.trainable:
            _freeze(backbone)
        return backbone


def _freeze(model):
    """Freezes all weights of a model that says it is frozen.

    Keras restores the flag of a functional model but not that of its weights,
    and with TensorFlow a flag that does not change is not passed on.
    """
    model.trainable = True
    model.trainable = False
