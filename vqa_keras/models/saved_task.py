import contextlib
import pathlib

import keras
import keras_hub
from keras_hub.src.utils.preset_utils import get_preset_loader

from vqa_keras import files
from vqa_keras import preset_files
from vqa_keras import presets
from vqa_keras.finite_weights import check_finite_weights
from vqa_keras.models import preset_loading
from vqa_keras.models.frozen_layers import freeze
from vqa_keras.models.layer_order import order_as_in_file
from vqa_keras.models.layer_order import set_layer_order
from vqa_keras.models.quantizing import Quantizing


class SavedTask(Quantizing, keras_hub.models.Task):
    """Base class of `VQA`: saves and loads presets and `.keras` files.

    Unlike `keras_hub.models.Task`, one class loads with any backbone, also
    beside subclasses of users; presets hold no state of the optimizer; a loaded
    `.keras` file is compiled again, as in Keras; and frozen layers of the head
    are frozen again.
    """

    _from_file = False  # the state of the optimizer is still to be read

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        set_layer_order(self)

    def save_own_variables(self, store):
        set_layer_order(self)
        super().save_own_variables(store)

    def load_own_variables(self, store):
        super().load_own_variables(store)
        order_as_in_file(self, store)
        if self._from_file and self.optimizer is not None:
            self._from_file = False
            if len(store.get("optimizer")) > len(self.optimizer.variables):
                self.optimizer.build(self.trainable_variables)

    @classmethod
    def from_preset(cls, preset, load_weights=True, **kwargs):
        """Returns the task of a preset: a shipped name, folder or hub handle.

        With `num_classes=` or `answers=` the head is new and untrained;
        `answers=` keeps the saved tokenizer, `num_classes=` alone does not;
        both keep the n-grams of `ngrams`.

        Raises:
            ValueError: if the preset is unknown, or of vqa_keras 0.1; if it
                has a results.json that names other files; if a part of it is
                missing or unreadable; if a weight is not finite.
        """
        preset = presets.find(preset)
        with preset_loading.reading(preset, kwargs):
            task = cls._from_preset(preset, load_weights, kwargs)
            preset_loading.check_vocabulary(task, preset)
        task = presets.complete(task, preset)
        if load_weights:
            check_finite_weights(task, preset)
        return task

    @classmethod
    def _from_preset(cls, preset, load_weights, kwargs):
        loader = get_preset_loader(preset)
        presets.check_version(preset)
        # KerasHub would load half precision in the default policy, or raise.
        saved = loader.config.get("config", {}).get("dtype")
        policy = saved and keras.dtype_policies.get(saved)
        if policy and policy.name != "float32":
            kwargs.setdefault("dtype", policy)
        if "answers" in kwargs:
            answers = list(kwargs.pop("answers"))
            kwargs["num_classes"] = len(answers)
            kwargs["preprocessor"] = cls.preprocessor_cls.from_preset(
                preset, answers=answers
            )
        new_head = "num_classes" in kwargs
        if new_head:
            kwargs.setdefault("preprocessor", None)
        else:
            preset_loading.check_config(preset)
        task = loader.load_task(cls, load_weights, not new_head, **kwargs)
        if new_head:
            for layer in task._frozen_head():
                layer.trainable = True
        if new_head and load_weights and task.ngrams and "ngrams" not in kwargs:
            # The known n-grams are weights of the task, which a new head omits.
            saved = loader.load_task(cls, True, True)
            for keys, known in zip(
                task.ngram_dense.keys, saved.ngram_dense.keys, strict=True
            ):
                keys.assign(known)
        if load_weights and not new_head:
            preset_loading.check_head(task, preset)
        return task

    def save_to_preset(self, preset_dir, **kwargs):
        """Saves the task as a preset directory, without optimizer state.

        A kill leaves a folder that is no preset, or the one that was there.

        Raises:
            UserError: if the folder cannot be written, or the disk has not
                enough space.
            ValueError: if the task is quantized.
        """
        self.refuse_quantized()
        size = preset_files.size_of(self)
        with (
            self._optimizer_aside(),
            preset_files.staged(preset_dir, size) as folder,
        ):
            super().save_to_preset(str(folder), **kwargs)

    def save(self, filepath, overwrite=True, **kwargs):
        """Saves a `.keras` file, whole or not at all; others as Keras does.

        Raises:
            UserError: if the `.keras` file cannot be written.
            ValueError: if the task is quantized.
        """
        self.refuse_quantized()
        path = pathlib.Path(filepath)
        if path.suffix != ".keras" or "://" in str(filepath) or not overwrite:
            super().save(filepath, overwrite, **kwargs)
            return
        files.make_folder_of(path)
        with files.replacing(path, ending=".keras") as temporary:
            super().save(temporary, **kwargs)
            files.flush_files([temporary])
        files.flush_files([path.parent])

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

    def _frozen_head(self):
        return [
            layer
            for layer in self.layers
            if layer.weights
            and layer is not self.backbone
            and not layer.trainable
        ]

    def get_config(self):
        config = super().get_config()
        if frozen := [layer.name for layer in self._frozen_head()]:
            config["frozen_layers"] = frozen
        return config

    def get_compile_config(self):
        return _on_any_backend(super().get_compile_config())

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        frozen = config.pop("frozen_layers", ())
        task = super().from_config(config)
        for name in frozen:
            freeze(task.get_layer(name))
        return task

    def compile_from_config(self, config):
        # As Keras does for models that do not override `compile`, except that
        # an optimizer without saved state is not built: Keras would warn.
        config = dict(config)
        config.pop("optimizer_built", None)  # in files of earlier versions
        self.compile(**keras.saving.deserialize_keras_object(config))
        self._from_file = True


def _on_any_backend(config):
    """Returns the configuration with no module of torch's own optimizers.

    On torch Keras saves those, and another backend would import torch to read
    a task, or fail without it.
    """
    if isinstance(config, (list, tuple)):
        return [_on_any_backend(value) for value in config]
    if not isinstance(config, dict):
        return config
    found = {name: _on_any_backend(value) for name, value in config.items()}
    if str(found.get("module")).startswith("keras.src.backend.torch"):
        found["module"] = "keras.optimizers"
    return found
