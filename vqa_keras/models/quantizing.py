class Quantizing:
    """Mixin of models: `quantize` right after construction or loading."""

    def quantize(self, *args, **kwargs):
        """Quantizes the layers as Keras does."""
        # Keras refuses layers that were never called. Whatever has weights was
        # built with the layer that contains it; the others have none.
        for layer in self._flatten_layers():
            if not layer.built and not layer.weights:
                layer.built = True
        super().quantize(*args, **kwargs)
