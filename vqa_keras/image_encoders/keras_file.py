"""Loads a `.keras` file that a stranger may have written.

The zip directory, the config and the header of the weights are checked before
a layer is built: Keras allocates what a config asks for, and imports the
modules that it names.
"""

import io
import math
import zipfile

import h5py
import keras
from keras.src.backend.common import global_state

from vqa_keras.errors import UserError
from vqa_keras.files import parse_json

_CONFIG = "config.json"
_WEIGHTS = "model.weights.h5"
_MEMBERS = {"metadata.json", _CONFIG, _WEIGHTS}
_MAX_CONFIG_BYTES = 16 * 2**20  # NASNetLarge has 1 MiB
_MAX_RATIO = 20  # of a member to its compressed bytes; weights reach 2
_SMALL = 2**20  # bytes of a member of any ratio
_PACKAGES = ("keras", "keras_hub", "vqa_keras")
_ITEM_SIZES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
_CODE = ("__lambda__", "Lambda")


def load_keras_file(path, what="a saved Keras model"):
    """Loads a model, uncompiled, whose layers are of known packages.

    Args:
        path: str or path of a `.keras` file.
        what: str, for messages.

    Returns:
        `keras.Model`.

    Raises:
        UserError: if the file cannot be read, holds other members, a member
            or a model much larger than the file, code, or a layer that is
            neither of Keras, KerasHub and vqa_keras nor registered.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive)
            config = parse_json(archive.read(_CONFIG), _CONFIG)
            check_config(config)
            weights = archive.read(_WEIGHTS)
        _check_weights(weights)
        _check_model(config, len(weights))
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # damaged bytes fail in any way
        received = str(error) or type(error).__name__
        raise UserError(
            f"{path} must be {what}. Received: {received}"
        ) from error


def check_config(config):
    """Refuses a config that names code or classes of unknown packages.

    Args:
        config: JSON value of a serialized Keras object.

    Raises:
        UserError: if it does; the message names the class.
    """
    stack = [config]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack += value
        if not isinstance(value, dict):
            continue
        stack += value.values()
        if "class_name" in value and not _is_known(value):
            raise UserError(
                f"a class must be of {', '.join(_PACKAGES)} or registered. "
                f"Received: {value.get('module')}.{value['class_name']}"
            )


def _is_known(value):
    name, module = value["class_name"], value.get("module")
    if name in _CODE or not isinstance(name, str):
        return False
    if module is None or (module == "builtins" and name == "function"):
        return True
    if not isinstance(module, str):
        return False
    known = keras.saving.get_registered_object(value.get("registered_name"))
    return module.split(".")[0] in _PACKAGES or known is not None


def _check_members(archive):
    members = archive.infolist()
    names = [member.filename for member in members]
    if len(names) != len(_MEMBERS) or set(names) != _MEMBERS:
        raise UserError(
            f"the members must be {', '.join(sorted(_MEMBERS))}. Received: "
            f"{', '.join(names[:5])}"
        )
    for member in members:
        size = member.file_size
        most = max(_SMALL, _MAX_RATIO * member.compress_size)
        if member.filename != _WEIGHTS:
            most = min(most, _MAX_CONFIG_BYTES)
        if size > most:
            raise UserError(
                f"{member.filename} must have at most {most:,} bytes. "
                f"Received: {size:,}"
            )


def _check_weights(data):
    """Refuses arrays that the file does not hold: compressed or elsewhere."""
    total = 0

    def add(name, item):
        nonlocal total
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise UserError(
                    "arrays must be in the file. Received: a link of "
                    f"{name} to another"
                )
            total += item.nbytes

    with h5py.File(io.BytesIO(data)) as file:
        file.visititems(add)
    _check_bytes("the arrays of the weights", total, len(data))


def _check_model(config, size):
    """Refuses a model of more weights than the file holds.

    It is built without allocating them.
    """
    key = "uninitialized_variables"
    waiting = global_state.get_global_attribute(key) or []
    global_state.set_global_attribute(key, [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object(_uncompiled(config))
    finally:
        global_state.set_global_attribute(key, waiting)
    if not isinstance(model, keras.Model):
        raise UserError(f"it must be a model. Received: {type(model).__name__}")
    total = sum(
        math.prod(weight.shape) * _ITEM_SIZES.get(str(weight.dtype), 1)
        for weight in model.weights
    )
    _check_bytes("the weights of the model", total, size)


def _uncompiled(config):
    # An optimizer creates variables that need memory.
    if isinstance(config, list):
        return [_uncompiled(value) for value in config]
    if not isinstance(config, dict):
        return config
    return {
        key: _uncompiled(value)
        for key, value in config.items()
        if key != "compile_config"
    }


def _check_bytes(what, total, size):
    if total > size:
        raise UserError(
            f"{what} must fit into the file, {size:,} bytes. Received: "
            f"{total:,} bytes"
        )
