"""Counts the floating point operations of one answer."""

import logging
import math
from typing import Any
from typing import cast

import keras
import tensorflow as tf

from vqa_keras.models import VQA

_PRODUCTS = ("BatchMatMulV2", "BatchMatMulV3", "Conv2D", "Einsum", "MatMul")


def flops_per_question(
    task: VQA, num_words: int, num_regions: int | None = None
) -> int | None:
    """Returns the floating point operations that answer one question.

    Counts the computation from the records' features to logits; the image
    encoder is left out, since its grids are computed once per image. A
    multiplication and the addition of its product are two operations, and
    every word and region counts, padding or not. As TensorFlow's profiler
    counts, a softmax is five operations per element, and tanh, sigmoid and
    relu are none.

    Args:
        task: `VQA`, with or without an image encoder.
        num_words: int, the words of the question.
        num_regions: int, the regions of the image. Defaults to the cells of
            the image encoder's grid; not needed where the inputs are grids.

    Returns:
        int; None on another backend than TensorFlow.

    Raises:
        ValueError: if an input's size is unknown, such as that of `regions`
            without `num_regions` and without an image encoder.
    """
    if keras.config.backend() != "tensorflow":
        return None
    if task.backbone.image_encoder is not None:
        if num_regions is None and task.backbone.grid_shape:
            num_regions = math.prod(task.backbone.grid_shape)
        task = task.without_image_encoder()
    sizes = {
        "token_ids": num_words,
        "regions": num_regions,
        "regions_mask": num_regions,
    }
    specs = {}
    inputs = cast(dict[str, keras.KerasTensor], task.input)
    for name, tensor in inputs.items():
        shape = [sizes.get(name) if s is None else s for s in tensor.shape]
        shape[0] = 1
        if None in shape:
            raise ValueError(
                f"The size of the input {name!r} must be known: give "
                f"`num_regions`. Received: {tensor.shape}"
            )
        specs[name] = tf.TensorSpec(shape, tensor.dtype)
    return flops(task, specs)


def flops(model: keras.layers.Layer, specs: Any) -> int:
    """Returns the floating point operations of one call of a model.

    Args:
        model: Keras model or layer, on the TensorFlow backend.
        specs: `tf.TensorSpec` of its inputs, nested as the model takes them,
            of fully known shapes.

    Raises:
        RuntimeError: if the computation holds a loop, which the profiler
            counts once, or an unknown shape, which it does not count.
    """
    graph = _trace(model, specs)
    operations = graph.get_operations()
    for op in operations:
        known = all(
            tensor.shape.is_fully_defined()
            for tensor in (*op.inputs, *op.outputs)
        )
        if "While" in op.type or op.type in _PRODUCTS and not known:
            raise RuntimeError(
                "The computation must have no loop and known shapes only. "
                f"Received: {op.name}, a {op.type}"
            )
    einsums = [op for op in operations if op.type == "Einsum"]
    return _profiled(graph) + sum(map(_einsum_flops, einsums))


def _trace(model: keras.layers.Layer, specs: Any) -> tf.Graph:
    """Returns the graph of one call, with recurrent layers unrolled."""
    recurrent = [
        layer
        for layer in model._flatten_layers()  # all levels, `model` included
        if isinstance(layer, keras.layers.RNN)
    ]
    before = [layer.unroll for layer in recurrent]
    try:
        for layer in recurrent:
            layer.unroll = True
        function = tf.function(
            lambda inputs: model(inputs, training=False), autograph=False
        )
        return function.get_concrete_function(specs).graph
    finally:
        for layer, unroll in zip(recurrent, before, strict=True):
            layer.unroll = unroll


def _profiled(graph: tf.Graph) -> int:
    """Returns the count of TensorFlow's profiler, which leaves Einsum out."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it uses deprecated functions
    try:
        profiler = tf.compat.v1.profiler
        options = profiler.ProfileOptionBuilder(
            profiler.ProfileOptionBuilder.float_operation()
        )
        profile = profiler.profile(
            graph, options=options.with_empty_output().build()
        )
    finally:
        logger.setLevel(level)
    return profile.total_float_ops


def _einsum_flops(op: tf.Operation) -> int:
    """Counts a product per combination of indices, and its addition if any."""
    equation = op.get_attr("equation").decode()
    terms, output = equation.split("->")
    terms = terms.split(",")
    if "." in equation:
        raise RuntimeError(
            f"An einsum must have no ellipsis. Received: {equation}"
        )
    sizes = {}
    for term, tensor in zip(terms, op.inputs, strict=True):
        sizes.update(zip(term, tensor.shape, strict=True))
    operations = len(terms) - 1 + (not set(sizes) <= set(output))
    return operations * math.prod(sizes.values())
