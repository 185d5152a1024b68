"""Chooses the feature maps of a network."""

import keras

from vqa_keras.errors import UserError


def at_levels(name, network, levels=None):
    """Returns the network that ends at the feature maps asked for.

    Args:
        name: what messages call the network.
        network: functional model with one input.
        levels: list of names: keys of the model's dict of outputs, of a
            KerasHub backbone's `pyramid_outputs`, or layers. None takes the
            output, and of several the last.

    Returns:
        A model to one grid `(B, h, w, C)`, or with two or more levels to
        `{level: grid}`.

    Raises:
        UserError: if a level is unknown or is no grid.
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
            f"{name} must give a grid, (batch, h, w, channels); name a layer "
            "that does with --levels. Received: a network whose output is "
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
            f"{name} has no feature map named {level!r}. The last one of each "
            f"size: {', '.join(_suggestions(network, named))}"
        )
    return tensor


def _suggestions(network, named):
    last = {}
    for layer in network.layers:
        tensor = getattr(layer, "output", None)
        if _is_grid(tensor):
            last[tuple(tensor.shape[1:3])] = layer.name
    return [*named, *last.values()]


def _is_grid(tensor):
    return len(getattr(tensor, "shape", ())) == 4
