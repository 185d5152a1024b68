"""Computes what depends on an image alone once for all its questions."""

import keras
from keras import ops


def share_images(task):
    """Returns a model of a task's weights for batches that share images.

    `vqa_keras.data.load(..., share_images=True)` gives such batches: I images
    and B questions about them. All layers that see the image alone (the image
    encoder, the projection of the regions, a contextualizer) then run on I rows
    instead of B; their results are repeated for the questions,

        repeated_b = result_(image_index_b),  b = 1 .. B

    and everything after them sees what it sees in `task`. The model has the
    task's layers, not copies: training it trains the task.

    Args:
        task: a `VQA`.

    Returns:
        A `keras.Model` from the task's inputs, of which those of the image
        have I rows, and `image_index`, int32 `(B,)`, to logits `(B, A)`. It is
        not compiled: `compile(**task.defaults(), optimizer=...)`.

    Example:
    ```python
    model = share_images(task)
    model.compile("adam", **task.defaults())
    data = vqa_keras.data.load(
        "records", "train", 256, shuffle=True, share_images=True
    )
    model.fit(data, shuffle=False)
    ```
    """
    backbone = task.backbone
    token_ids = backbone.input["token_ids"]
    fused = backbone.output["fused"]
    of_images = _last_without(token_ids, fused)
    after = keras.Model([token_ids, *of_images], fused, name="after_images")
    image_inputs = {
        name: tensor
        for name, tensor in backbone.input.items()
        if name != "token_ids"
    }
    before = keras.Model(image_inputs, of_images, name="of_images")

    inputs = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in backbone.input.items()
    }
    image_index = keras.Input((), dtype="int32", name="image_index")
    repeated = [
        ops.take(tensor, image_index, axis=0)
        for tensor in before({name: inputs[name] for name in image_inputs})
    ]
    logits = task.head(after([inputs["token_ids"], *repeated]))
    return keras.Model({**inputs, "image_index": image_index}, logits)


def _last_without(source, target):
    """The last tensors on the way to `target` that do not depend on `source`.

    Together with `source` they determine `target`.
    """
    depends = {}

    def parents(tensor):
        operation, node_index, _ = tensor._keras_history
        return operation._inbound_nodes[node_index].input_tensors

    def check(tensor):
        if id(tensor) not in depends:
            depends[id(tensor)] = tensor is source or any(
                [check(parent) for parent in parents(tensor)]
            )
        return depends[id(tensor)]

    found = {}

    def collect(tensor):
        if not check(tensor):
            found[id(tensor)] = tensor
        elif tensor is not source:
            for parent in parents(tensor):
                collect(parent)

    collect(target)
    return list(found.values())
