"""Selects the feature maps of a network."""

import keras

from vqa_keras.errors import UserError


def at_levels(name, network, levels=None):
    """Returns a model from the input of a network to its feature maps.

    Args:
        name: str or path, the name of the network in messages.
        network: functional model with one input.
        levels: list of str: keys of the network's dict of outputs or of a
            KerasHub backbone's `pyramid_outputs`, or names of layers. Defaults
            to `None`, the output, the last one if there are several.

    Returns:
        A model with the output `(B, h, w, C)`, or `{level: grid}` for two or
        more levels.

    Raises:
        UserError: if a level is unknown or not a grid.
    """
    named = _named_outputs(network)
    if not levels:
        outputs = _last_grid(name, network, named)
        if outputs is network.output:
            return network
    else:
        grids = {level: _grid(name, network, named, level) for level in levels}
        outputs = grids if len(grids) > 1 else grids[levels[0]]
    return keras.Model(network.input, outputs, name=network.name)


def _named_outputs(network):
    outputs = network.output
    if isinstance(outputs, dict):
        return dict(outputs)
    return dict(getattr(network, "pyramid_outputs", None) or {})


def _last_grid(name, network, named):
    if _is_grid(network.output):
        return network.output
    grids = [tensor for tensor in named.values() if _is_grid(tensor)]
    if not grids:
        raise UserError(
            f"{name} must output a grid, (batch, h, w, channels); select a "
            "layer that does with --levels. Received: a network whose output "
            "has shape "
            f"{keras.tree.map_structure(lambda t: t.shape, network.output)}"
        )
    return grids[-1]


def _grid(name, network, named, level):
    if level in named:
        tensor = named[level]
    elif level in (layer.name for layer in network.layers):
        tensor = network.get_layer(level).output
    else:
        tensor = None
    if not _is_grid(tensor):
        raise UserError(
            f"A level of {name} must be the name of a feature map; the last of "
            f"each size is {', '.join(_suggestions(network, named))}. "
            f"Received: {level!r}"
        )
    return tensor


def _suggestions(network, named):
    last = {}
    for layer in network.layers:
        tensor = getattr(layer, "output", None)
        if _is_grid(tensor) and not isinstance(layer, keras.layers.InputLayer):
            last[tuple(tensor.shape[1:3])] = layer.name
    return dict.fromkeys([*named, *last.values()])


def _is_grid(tensor):
    return len(getattr(tensor, "shape", ())) == 4
