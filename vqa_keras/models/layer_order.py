"""Gives the layers of a model one order on every backend, and files by name.

Keras addresses the layers of a functional model in a weights file by class and
number, in the order of `model.layers`. That order follows nested inputs and
outputs as the backend flattens them: TensorFlow and JAX by sorted keys, torch
by insertion. Two layers of one class may then be saved in one order and loaded
in the other. Orders here are those of TensorFlow and JAX.
"""

import keras
from keras import tree
from keras.src.utils import naming
from keras.src.utils import tracking

_UNUSED = -1  # an input on which no output depends


def set_layer_order(model):
    """Sorts the layers of a functional model, at any depth, in place.

    On TensorFlow and JAX nothing changes.

    Args:
        model: functional `keras.Model`.
    """
    for part in model._flatten_layers():
        if _is_functional(part):
            _sort_operations(part)
    if keras.config.backend() == "torch":
        # KerasHub hides attributes from Keras there, which tracks layers, and
        # with them variables, in the order in which attributes were set.
        order = {id(layer): i for i, layer in enumerate(_attributes(model))}
        model._layers.sort(key=lambda layer: order.get(id(layer), len(order)))


def order_as_in_file(model, store):
    """Sorts layers as a weights file has them, by the names in it.

    For `load_own_variables`, after which Keras loads the layers in their order.
    Layers of one class whose names are not those in the file keep their order:
    a user may load weights into layers of other names.

    Args:
        model: functional `keras.Model`.
        store: the store that Keras passes to `load_own_variables`.
    """
    _order_as_in_file(model, store, store._h5_entry_path or "")


def _order_as_in_file(model, store, path):
    prefix = f"{path}/layers" if path else "layers"
    by_class = {}
    for layer in model.layers:
        name = naming.to_snake_case(type(layer).__name__)
        by_class.setdefault(name, []).append(layer)
    new = {}  # id of a layer: the layer in its place
    for class_name, group in by_class.items():
        numbers = range(1, len(group))
        paths = [class_name, *(f"{class_name}_{i}" for i in numbers)]
        paths = [f"{prefix}/{name}" for name in paths]
        named = {layer.name: layer for layer in group}
        names = [_saved_name(store, path) for path in paths]
        if sorted(named) == sorted(map(str, names)):
            new |= {
                id(old): named[name]
                for old, name in zip(group, names, strict=True)
            }
            group = [named[name] for name in names]
        for layer, path in zip(group, paths, strict=True):
            if _is_functional(layer):
                _order_as_in_file(layer, store, path)
    _set_operations(model, [new.get(id(o), o) for o in model._operations])


def _saved_name(store, path):
    group = store.get(path)._h5_entry_group
    return getattr(group, "attrs", {}).get("name")


def _is_functional(layer):
    return hasattr(layer, "_operations_by_depth")


def _sort_operations(model):
    """Repeats the sorting of `keras.src.ops.function.map_graph`."""
    order = _traversal(model._outputs_struct)
    by_depth = model._operations_by_depth
    operations = [
        operation
        for depth in sorted(by_depth, reverse=True)
        for operation in sorted(
            by_depth[depth], key=lambda o: order.get(id(o), _UNUSED)
        )
    ]
    _set_operations(model, operations)


def _set_operations(model, operations):
    # TensorFlow exports no model whose list was changed in place.
    if list(map(id, operations)) != list(map(id, model._operations)):
        with tracking.DotNotTrackScope():
            model._operations = operations


def _traversal(outputs):
    """Returns `{id of an operation: number}`, depth first from the outputs."""
    order, done = {}, set()

    def visit(tensor):
        operation, node_index, _ = tensor._keras_history
        if not operation:
            return
        node = operation._inbound_nodes[node_index]
        if id(node) in done:
            return
        done.add(id(node))
        order.setdefault(id(operation), len(order))
        if not node.is_input:
            arguments = (node.arguments.args, node.arguments.kwargs)
            for argument in _flatten(arguments):
                if hasattr(argument, "_keras_history"):
                    visit(argument)

    for output in _flatten(outputs):
        visit(output)
    return order


def _flatten(structure):
    """Returns the leaves of a nested structure, those of dicts by key."""
    if isinstance(structure, dict):
        structure = [structure[key] for key in sorted(structure)]
    elif not tree.is_nested(structure):
        return [structure]
    return [leaf for item in structure for leaf in _flatten(item)]


def _attributes(model):
    """Yields the layers among the attributes of a model, as first set."""
    found = {}
    for value in vars(model).values():
        items = value if isinstance(value, (list, tuple)) else [value]
        layers = (item for item in items if isinstance(item, keras.Layer))
        found.update((id(layer), layer) for layer in layers)
    return found.values()
