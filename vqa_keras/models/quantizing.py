class Quantizing:
    """Mixin of models: `quantize` right after construction or loading."""

    _quantized = False

    def quantize(self, *args, **kwargs):
        """Quantizes the layers as Keras does; save the model before."""
        # Keras refuses layers that were never called. Whatever has weights was
        # built with the layer that contains it; the others have none.
        for layer in self._flatten_layers():
            if not layer.built and not layer.weights:
                layer.built = True
        super().quantize(*args, **kwargs)
        self._quantized = True

    def refuse_quantized(self):
        """Raises ValueError if a saved file could not be loaded.

        The config of a layer with layers inside does not say how they are
        quantized: Keras would load them with new weights.
        """
        if self._quantized:
            raise ValueError(
                "A task must be saved before `quantize`, and quantized again "
                "when loaded. Received: a quantized task"
            )
