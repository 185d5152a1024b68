"""Computes the hash by which records and runs name an image encoder."""

import hashlib
import json
import warnings

import keras
import numpy as np
from keras.src.models.functional import Functional

from vqa_keras.errors import UserError

# Of the config of a layer: names depend on the models built before, `dtype`
# and `trainable` are of the machine and of the training, and the rest sets or
# moves weights, whose values are hashed.
_LEFT_OUT = ("name", "dtype", "trainable", "build_config")
_LEFT_OUT_ENDINGS = ("_initializer", "_regularizer", "_constraint")


def weights_sha256(model):
    """Computes the hex sha256 of what a model computes.

    The hash covers the shape of the inputs, the class and config of every
    layer and operation, the shapes, dtypes and values of their weights, the
    wiring, and the outputs with their keys. It does not cover the names of
    weights and layers, dtype policies, the trainable flags, initializers,
    regularizers, constraints and options that are None: a model has the same
    hash on every backend, loaded or built, frozen or compiled.

    vqa_keras 0.1 hashed the weights and the config of layers without weights
    only. `check_network` accepts that hash in records and presets written
    before, with a warning; the results of the zoo name the new one.

    Args:
        model: `keras.Model`.

    Returns:
        str.
    """
    return _Hashes().operation(model)


def check_network(name, model, expected):
    """Refuses a network that has another hash than stated.

    Args:
        name: str or path that the message names.
        model: `keras.Model`.
        expected: str, its hash in records or results. That of vqa_keras 0.1
            is accepted with a warning, since it does not cover the strides,
            activations and wiring of layers with weights.

    Raises:
        UserError: if the network has neither hash.
    """
    received = weights_sha256(model)
    if received == expected:
        return
    if expected != _sha256_of_weights(model):
        raise UserError(
            f"{name} must have the weights, settings and wiring that were "
            f"written, sha256 {expected}. Received: {received}"
        )
    warnings.warn(
        f"{name} is checked by the weights_sha256 of vqa_keras 0.1, which "
        "covers weights but neither strides nor wiring; records and presets "
        "written again are checked by both",
        stacklevel=2,
    )


class _Hashes:
    """Computes hashes of operations, each once.

    A tensor's hash is that of its operation, the operation's weights, the
    arguments of the call and the hashes of the tensors among them.
    """

    def __init__(self):
        self._of = {}

    def operation(self, operation):
        """Returns the hash of a layer, model or operation."""
        key = id(operation)
        if key not in self._of:
            self._of[key] = self._operation(operation)
        return self._of[key]

    def _operation(self, operation):
        if isinstance(operation, keras.Sequential) and operation.built:
            operation = keras.Model(operation.inputs, operation.outputs)
        if isinstance(operation, Functional):
            parts = ["model", self._graph(operation)]
            if type(operation).call is Functional.call:
                return _sha256(*parts)
        else:
            parts = []
        parts += [type(operation).__name__, _cleaned(_config(operation))]
        if not isinstance(operation, keras.Layer):
            return _sha256(*parts)
        inner = list(
            operation._flatten_layers(include_self=False, recursive=False)
        )
        parts.append([self.operation(layer) for layer in inner])
        of_inner = {id(w) for layer in inner for w in layer.weights}
        parts.append(
            [_array(w) for w in operation.weights if id(w) not in of_inner]
        )
        return _sha256(*parts)

    def _graph(self, model):
        """Returns the hashes of the outputs of a functional model."""
        hashes = {
            id(tensor): _sha256("input", i, tensor.shape[1:])
            for i, tensor in enumerate(model.inputs)
        }
        # Iterative: a deep network would exceed Python's recursion limit.
        stack = list(model.outputs)
        while stack:
            tensor = stack[-1]
            if id(tensor) in hashes:
                stack.pop()
                continue
            operation, node, _ = tensor._keras_history
            node = operation._inbound_nodes[node]
            missing = [t for t in node.input_tensors if id(t) not in hashes]
            if missing:
                stack += missing
                continue
            arguments = keras.tree.map_structure(
                lambda value: (
                    hashes[id(value)]
                    if isinstance(value, keras.KerasTensor)
                    else value
                ),
                [list(node.arguments.args), _given(node.arguments.kwargs)],
            )
            call = _sha256(self.operation(operation), arguments)
            for i, output in enumerate(node.outputs):
                hashes[id(output)] = _sha256(call, i)
        if isinstance(model.output, dict):
            by_key = sorted(model.output.items())
            return [[key, hashes[id(tensor)]] for key, tensor in by_key]
        return [hashes[id(tensor)] for tensor in model.outputs]


def _config(operation):
    try:
        return operation.get_config()
    except NotImplementedError:  # of a part that its layer's config makes
        return {}


def _cleaned(config):
    """Returns a config without the options that change no output."""
    return {
        key: _value(value)
        for key, value in _given(config).items()
        if key not in _LEFT_OUT and not key.endswith(_LEFT_OUT_ENDINGS)
    }


def _given(options):
    # A later Keras adds options, whose default is None.
    return {key: value for key, value in options.items() if value is not None}


def _value(value):
    """Returns a value of a config, without what `_cleaned` leaves out of it."""
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    config = value.get("config")
    if "class_name" not in value:
        return {key: _value(item) for key, item in value.items()}
    kind = [value["class_name"], value.get("registered_name")]
    if isinstance(config, dict):
        if "input_layers" in config:  # a model, hashed as part of its layer
            return kind
        config = _cleaned(config)
    return [*kind, config]


def _sha256(*parts):
    text = json.dumps(parts, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value):
    """Returns JSON values for what `json` cannot write."""
    if isinstance(value, keras.KerasTensor):
        raise ValueError(f"the graph must be connected. Received: {value}")
    if isinstance(value, np.ndarray | np.generic) or keras.ops.is_tensor(value):
        return _array(value)
    name = getattr(value, "__qualname__", type(value).__qualname__)
    return [name, str(value)] if isinstance(value, slice) else name


def _array(values):
    """Returns shape, dtype and the hash of the numbers."""
    values = np.ascontiguousarray(keras.ops.convert_to_numpy(values))
    digest = hashlib.sha256(values.tobytes()).hexdigest()
    return [list(values.shape), values.dtype.name, digest]


def _sha256_of_weights(model):
    """Computes the hash of vqa_keras 0.1."""
    digest = hashlib.sha256()
    for settings in sorted(set(_settings(model))):
        digest.update(settings.encode())
    for weight in model.get_weights():
        digest.update(f"{weight.shape}{weight.dtype.name}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def _settings(model):
    """Yields the config of every layer without weights, as JSON."""
    for layer in model._flatten_layers(include_self=False):
        if layer.weights or isinstance(
            layer, keras.Model | keras.layers.InputLayer
        ):
            continue
        config = _config(layer)
        for name in ("name", "dtype", "trainable"):
            config.pop(name, None)
        kind = type(layer).__name__
        yield f"{kind} {json.dumps(config, sort_keys=True, default=str)}"
