import difflib
import inspect

import keras
import keras_hub

from vqa_keras.models.frozen_layers import freeze
from vqa_keras.models.frozen_layers import freeze_layers
from vqa_keras.models.frozen_layers import frozen_layers
from vqa_keras.models.layer_order import order_as_in_file
from vqa_keras.models.layer_order import set_layer_order
from vqa_keras.models.quantizing import Quantizing
from vqa_keras.renamed import refuse_old_arguments

_COMMON = {"self", "dtype", "name", "trainable", "kwargs", "unknown"}
PARTS = ("question_encoder", "image_encoder", "contextualizer")


class SavedBackbone(Quantizing, keras_hub.models.Backbone):
    """Base class of `VQABackbone`: configuration, saving, copying and freezing.

    The config is read from the signatures of the constructors: each argument
    is an attribute of its name, and `**kwargs` stands for the arguments of the
    base class, up to the class that ends with `**unknown`. An unknown argument
    is an error. A frozen backbone, image encoder or layer is frozen again when
    loaded.
    """

    def __init__(self, inputs, outputs, dtype, name, trainable):
        super().__init__(inputs=inputs, outputs=outputs, dtype=dtype, name=name)
        set_layer_order(self)
        if not trainable:  # setting True would unfreeze the image encoder
            freeze(self)

    def default_lora_layer_names(self):
        """Returns the names of the dense layers, outside an image encoder."""
        encoder = self.image_encoder
        outside = encoder._flatten_layers() if encoder is not None else ()
        omitted = {id(layer) for layer in outside}
        kinds = (keras.layers.Dense, keras.layers.EinsumDense)
        names = [
            layer.name
            for layer in self._flatten_layers()
            if isinstance(layer, kinds) and id(layer) not in omitted
        ]
        return list(dict.fromkeys(names))

    def save_own_variables(self, store):
        set_layer_order(self)
        super().save_own_variables(store)

    def load_own_variables(self, store):
        super().load_own_variables(store)
        order_as_in_file(self, store)

    fixed_arguments = ()  # arguments of a base class that a subclass sets

    @classmethod
    def arguments(cls):
        """Returns the names of the constructor's arguments, `**kwargs` too."""
        names = []
        for base in cls.__mro__:
            if "__init__" in vars(base):
                names += inspect.signature(base.__init__).parameters
            if "unknown" in names:
                break
        omitted = {*_COMMON, *cls.fixed_arguments}
        return [name for name in dict.fromkeys(names) if name not in omitted]

    @classmethod
    def refuse(cls, unknown):
        """Raises TypeError if there is an argument that no class has."""
        refuse(cls, [*cls.arguments(), "dtype", "name", "trainable"], unknown)

    def twin(self, image_encoder):
        """Returns a copy with these weights and another encoder or none."""
        config = {**self.get_config(), "image_encoder": image_encoder}
        twin = type(self).from_config(config)
        own = {layer.name: layer for layer in self.layers if layer.weights}
        for layer in twin.layers:
            if layer.weights and layer is not twin.image_encoder:
                layer.set_weights(own[layer.name].get_weights())
        return twin

    def get_config(self):
        config = super().get_config()
        for name in self.arguments():
            value = getattr(self, name)
            if name in PARTS:  # a default part is created again, not saved
                value = value if name in self.given else None
                value = value and keras.saving.serialize_keras_object(value)
            config[name] = value
        if self.trainable and (frozen := frozen_layers(self)):
            config["frozen_layers"] = frozen
        return config

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        frozen = config.pop("frozen_layers", ())
        for name in PARTS:
            if isinstance(config.get(name), dict):
                config[name] = keras.saving.deserialize_keras_object(
                    config[name]
                )
        backbone = super().from_config(config)
        freeze_layers(backbone, frozen)
        return backbone


def refuse(cls, known, unknown):
    """Raises TypeError for any unknown argument, suggesting a known one."""
    refuse_old_arguments(cls.__name__, unknown)
    for name in unknown:
        close = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise TypeError(
            f"The arguments of {cls.__name__} must be among "
            f"{', '.join(known)}. Received: {name}{hint}"
        )
