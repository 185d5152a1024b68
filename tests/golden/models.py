"""What every entry of the zoo computes, with weights fixed by their names."""

import math
import random
import re

import numpy as np
import tensorflow as tf

from vqa_keras import zoo

# The recipe's model at a small size. Every entry has arguments of its own.
_ALL = {"vocabulary_size": 6, "num_classes": 3, "hidden_dim": 8}
_GRIDS = {"grid_shapes": [(4, 6, 5), (2, 3, 8)]}
_REGIONS = {"regions_dim": 8}
_WORDS = {"embedding_dim": 3}
_HOP = {**_WORDS, "attention_dim": 5}
_SIZES = {
    "bilstm_context": {**_REGIONS, **_HOP},
    "channel": {**_REGIONS, **_HOP},
    "cnn_layer": {**_GRIDS, **_HOP},
    "cosine": {**_REGIONS, **_WORDS},
    "dense_symmetric": {**_GRIDS, **_WORDS, "num_heads": 2},
    "dual": {**_REGIONS, **_HOP},
    "hierarchical": {**_REGIONS, "attention_dim": 5, "final_dim": 7},
    "independent": {**_REGIONS, **_HOP},
    "intra_inter": {**_REGIONS, **_WORDS, "num_heads": 2},
    "joint": {**_REGIONS, **_HOP},
    "jointly_conditioned": {**_REGIONS, **_HOP},
    "multilevel": {**_REGIONS, **_HOP, "num_concepts": 5},
    "parametric": {**_REGIONS, **_HOP},
    "question_only": {**_REGIONS, **_WORDS},
    "self_attention_context": {**_REGIONS, **_HOP},
    "spatial_channel": {**_REGIONS, **_HOP},
    "stacked": {**_REGIONS, **_HOP},
    "transformer": {
        **_REGIONS,
        **_WORDS,
        "num_heads": 2,
        "intermediate_dim": 6,
        "output_dim": 5,
        "position_grid": (2, 3),
    },
    "vanilla": {**_REGIONS, **_WORDS},
}
# Pattern in the path of a weight, and what stood there when the outputs were
# made: golden values follow from the paths.
_OLD_PATHS = (
    ("^word_encoder/word_embedding", "word_embedding"),
    (
        r"^(dual|independent_co|jointly_conditioned_co)_attention/regions_",
        r"\1_attention/hop_",
    ),
    ("_null_slots$", "_nowhere"),
)
_MASK = np.array([[1] * 6, [1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0]], "int32")
_TOKEN_IDS = np.array(
    [[2, 3, 4, 5, 1], [2, 3, 0, 0, 0], [1, 0, 0, 0, 0]], "int32"
)
_IMAGE_INDEX = np.array([0, 2, 1, 1, 0], "int32")
_ROWS = [0, 1, 2, 0, 1]  # of the questions, in a batch that shares images


def entries():
    """The names of the entries, each with a size here."""
    if sorted(_SIZES) != zoo.names():
        missing = set(zoo.names()) ^ set(_SIZES)
        raise ValueError(f"_SIZES must hold every entry. Received: {missing}")
    return sorted(_SIZES)


def outputs(entry):
    """Returns what an entry computes, as `{name: array}`.

    `logits`, `attention/NAME` and `gradients/PATH` of one batch with padding,
    and `shared_logits` of five questions that share three images.
    """
    sizes = {**_ALL, **_SIZES[entry], "head_hidden_dim": 7}
    task = zoo.build_model(entry, **sizes)
    fix_weights(task)
    batch = _batch(task)
    with tf.GradientTape() as tape:
        found = task.backbone(batch, training=False)
        logits = task.head(found["fused"])
        loss = tf.reduce_mean(
            tf.nn.softmax_cross_entropy_with_logits(tf.eye(3), logits)
        )
    weights = task.trainable_variables
    gradients = tape.gradient(loss, [v.value for v in weights])
    result = {"logits": logits.numpy()}
    for name, values in found["attention"].items():
        result[f"attention/{name}"] = values.numpy()
    for weight, gradient in zip(weights, gradients, strict=True):
        if gradient is None:  # of a bias that the softmax cancels
            gradient = tf.zeros(weight.shape)
        result[f"gradients/{_path(weight)}"] = tf.convert_to_tensor(
            gradient
        ).numpy()
    result["shared_logits"] = _shared_logits(task, batch)
    return result


def fix_weights(model):
    """Gives every weight values that follow from its path and shape."""
    for weight in model.trainable_variables:
        generator = random.Random(_path(weight))
        size = math.prod(weight.shape)
        values = [generator.uniform(-0.5, 0.5) for _ in range(size)]
        weight.assign(np.array(values, "float32").reshape(weight.shape))


def _path(weight):
    """The path of a weight, as it was when the golden outputs were made."""
    path = weight.path
    for pattern, old in _OLD_PATHS:
        path = re.sub(pattern, old, path)
    return path


def _batch(task):
    generator = np.random.RandomState(0)  # its stream never changes
    batch = {"token_ids": _TOKEN_IDS}
    for name in sorted(task.backbone.input):
        if name == "regions_mask":
            batch[name] = _MASK
        elif name == "regions" or name.startswith("grid_"):
            shape = (3, *task.backbone.input[name].shape[1:])
            shape = (3, 6, 8) if name == "regions" else shape
            batch[name] = generator.normal(size=shape).astype("float16")
    return batch


def _shared_logits(task, batch):
    batch = {
        **batch,
        "token_ids": _TOKEN_IDS[_ROWS],
        "image_index": _IMAGE_INDEX,
    }
    return task(batch, training=False).numpy()
