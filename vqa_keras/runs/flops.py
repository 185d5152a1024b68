"""Counts the floating point operations of one answer."""

import logging
import math

import keras
import tensorflow as tf

from vqa_keras.models import VQA

_PRODUCTS = ("BatchMatMulV2", "BatchMatMulV3", "Conv2D", "Einsum", "MatMul")


def flops_per_question(
    task: VQA, num_words: int, num_regions: int | None = None
) -> int | None:
    """Returns the floating point operations that answer one question.

    Counted is what the records' features need to become logits; the image
    encoder is left out, since its grids are computed once for all questions
    about an image. A multiplication and the addition of its product are two
    operations, and every word and region is counted, padding or not. As in
    TensorFlow's profiler, which counts, a softmax is five operations an
    element and tanh, sigmoid and relu are none.

    Args:
        task: `VQA`, with or without an image encoder.
        num_words: int, the words of the question.
        num_regions: int, the regions of the image. Defaults to the cells of
            the image encoder's grid; not needed where the inputs are grids.

    Returns:
        int; None on another backend than TensorFlow.

    Raises:
        ValueError: if an input's size is not known, such as that of `regions`
            where there is neither `num_regions` nor an image encoder.
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
    for name, tensor in task.input.items():
        shape = [sizes.get(name) if s is None else s for s in tensor.shape]
        shape[0] = 1
        if None in shape:
            raise ValueError(
                f"The size of the input {name!r} must be known: give "
                f"`num_regions`. Received: {tensor.shape}"
            )
        specs[name] = tf.TensorSpec(shape, tensor.dtype)
    return flops(task, specs)


def flops(model, specs):
    """Returns the floating point operations of one call of a model.

    Args:
        model: Keras model or layer, on the TensorFlow backend.
        specs: `tf.TensorSpec` of its inputs, nested as the model takes them,
            of fully known shapes.

    Raises:
        RuntimeError: if the computation holds a loop or an unknown shape, which
            the profiler would count once or not at all.
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
                "needed a computation without loops, of known shapes. "
                f"Received: {op.name}, a {op.type}"
            )
    einsums = [op for op in operations if op.type == "Einsum"]
    return _profiled(graph) + sum(map(_einsum_flops, einsums))


def _trace(model, specs):
    """The graph of one call, with every step of a recurrent layer in it."""
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


def _profiled(graph):
    """What TensorFlow's profiler counts; it knows no Einsum."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # the profiler warns of its own functions
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


def _einsum_flops(op):
    """A product for every combination of indices, and its addition if any."""
    equation = op.get_attr("equation").decode()
    terms, output = equation.split("->")
    terms = terms.split(",")
    if "." in equation:
        raise RuntimeError(
            f"needed an einsum without an ellipsis. Received: {equation}"
        )
    sizes = {}
    for term, tensor in zip(terms, op.inputs, strict=True):
        sizes.update(zip(term, tensor.shape, strict=True))
    operations = len(terms) - 1 + (not set(sizes) <= set(output))
    return operations * math.prod(sizes.values())
