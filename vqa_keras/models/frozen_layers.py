"""Freezes layers of a backbone by path, and keeps them frozen when saved."""

import difflib


def freeze(model):
    """Freezes all weights of a model or layer.

    When a functional model is loaded, Keras restores its flag but not that of
    its weights, and with TensorFlow setting a flag to its own value does not
    set those of the weights.
    """
    model.trainable = True
    model.trainable = False


def layer_paths(model):
    """Returns `{path: layer}` of the layers with weights, at any depth.

    A path joins names by dots, such as `question_encoder.word_embedding`. The
    layers of an image encoder are left out: it is frozen as a whole.
    """
    found = {}

    def walk(parent, prefix):
        for layer in parent._flatten_layers(
            include_self=False, recursive=False
        ):
            if layer.weights and layer is not model.image_encoder:
                found[f"{prefix}{layer.name}"] = layer
                walk(layer, f"{prefix}{layer.name}.")

    walk(model, "")
    return found


def freeze_layers(model, paths):
    """Freezes layers of a backbone; the saved model keeps them frozen.

    Args:
        model: `VQABackbone`.
        paths: iterable of str, keys of `layer_paths(model)`.

    Raises:
        ValueError: for a path that is not there, with the closest one.

    Example:
    ```python
    task = vqa_keras.models.VQA.from_preset("stacked_easy_vqa")
    paths = ["question_encoder.word_embedding"]
    vqa_keras.models.freeze_layers(task.backbone, paths)
    ```
    """
    known = layer_paths(model)
    for path in paths:
        if path not in known:
            close = difflib.get_close_matches(path, known, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(
                f"`paths` must be layers of the backbone: {', '.join(known)}. "
                f"Received: {path}{hint}"
            )
        freeze(known[path])


def frozen_layers(model):
    """Returns the paths of the outermost frozen layers of a backbone."""
    frozen = [
        p for p, layer in layer_paths(model).items() if not layer.trainable
    ]
    return [
        path
        for path in frozen
        if not any(path.startswith(f"{other}.") for other in frozen)
    ]
