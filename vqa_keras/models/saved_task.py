import contextlib

import keras
import keras_hub


class SavedTask(keras_hub.models.Task):
    """How a task is saved and loaded: presets, and `.keras` files.

    Differs from `keras_hub.models.Task` in two things. Presets hold weights
    only, where KerasHub also saves and reloads the state of the optimizer. And
    a `.keras` file compiles its task again, as Keras does for models that do
    not override `compile`.
    """

    @classmethod
    def from_preset(cls, preset, load_weights=True, **kwargs):
        """Returns the task saved in `preset`: a directory or a hub handle.

        With `num_classes=` the head is new and untrained, and the saved
        preprocessor is left out unless one is given, since its answers are
        those of the old head.
        """
        if "num_classes" in kwargs:
            kwargs.setdefault("preprocessor", None)
        return super().from_preset(str(preset), load_weights, **kwargs)

    def save_to_preset(self, preset_dir, **kwargs):
        """Saves the task as a preset directory, without optimizer state."""
        with self._optimizer_aside():
            super().save_to_preset(preset_dir, **kwargs)

    def load_task_weights(self, filepath):
        with self._optimizer_aside():
            super().load_task_weights(filepath)

    @contextlib.contextmanager
    def _optimizer_aside(self):
        optimizer, self.optimizer = self.optimizer, None
        try:
            yield
        finally:
            self.optimizer = optimizer

    def get_compile_config(self):
        config = super().get_compile_config()
        if config and self.optimizer is not None:
            config["optimizer_built"] = self.optimizer.built
        return config

    def compile_from_config(self, config):
        # Keras does so for models that do not override `compile`. An
        # optimizer that was saved without its state is not built: Keras
        # would warn that the state is missing.
        config = dict(config)
        built = config.pop("optimizer_built", False)
        self.compile(**keras.saving.deserialize_keras_object(config))
        if built:
            self.optimizer.build(self.trainable_variables)
