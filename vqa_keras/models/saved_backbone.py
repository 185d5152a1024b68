import difflib
import inspect

import keras
import keras_hub

from vqa_keras.renamed import refuse_old_arguments

_COMMON = {"self", "dtype", "name", "trainable", "kwargs", "unknown"}
PARTS = ("question_encoder", "image_encoder", "contextualizer")


class SavedBackbone(keras_hub.models.Backbone):
    """How a backbone is made from arguments, saved, copied and frozen.

    The config is read from the signatures of the constructors: each argument
    is an attribute of its name, and `**kwargs` stands for the arguments of the
    base class, up to the class that ends with `**unknown`. An unknown argument
    is an error. A frozen backbone or image encoder comes back frozen.
    """

    def __init__(self, inputs, outputs, dtype, name, trainable):
        super().__init__(inputs=inputs, outputs=outputs, dtype=dtype, name=name)
        if not trainable:  # True would thaw an image encoder inside
            freeze(self)

    fixed_arguments = ()  # of a base class, which a subclass decides

    @classmethod
    def arguments(cls):
        """Names of the constructor's arguments, with those it passes on."""
        names = []
        for base in cls.__mro__:
            if "__init__" in vars(base):
                names += inspect.signature(base.__init__).parameters
            if "unknown" in names:
                break
        left_out = {*_COMMON, *cls.fixed_arguments}
        return [name for name in dict.fromkeys(names) if name not in left_out]

    @classmethod
    def refuse(cls, unknown):
        """Raises TypeError if there is an argument that no class has."""
        refuse(cls, [*cls.arguments(), "dtype", "name", "trainable"], unknown)

    def twin(self, image_encoder):
        """Returns a backbone of these weights with that encoder, or None."""
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
            if name in PARTS:  # made by the class itself, or given
                value = value if name in self.given else None
                value = value and keras.saving.serialize_keras_object(value)
            config[name] = value
        return config

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for name in PARTS:
            if isinstance(config.get(name), dict):
                config[name] = keras.saving.deserialize_keras_object(
                    config[name]
                )
        return super().from_config(config)


def refuse(cls, known, unknown):
    """Raises TypeError for the first argument of a class that is not known."""
    refuse_old_arguments(cls.__name__, unknown)
    for name in unknown:
        close = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise TypeError(
            f"The arguments of {cls.__name__} must be among "
            f"{', '.join(known)}. Received: {name}{hint}"
        )


def freeze(model):
    """Freezes all weights of a model.

    Keras restores the flag of a functional model but not that of its weights,
    and with TensorFlow a flag that does not change is not passed on.
    """
    model.trainable = True
    model.trainable = False
