import keras


def compiled(function, model):
    """Compiles a function that calls a model, on the running backend.

    Args:
        function: function from nested tensors to nested tensors. It may read
            the weights of `model` but not change them.
        model: a built Keras model.

    Returns:
        A function of the same argument, which also takes NumPy arrays. It is
        traced once per shape, and reads the weights at each call. On PyTorch it
        is not compiled, and runs without gradients.
    """
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function, autograph=False, reduce_retracing=True)
    if backend == "jax":
        return _on_jax(function, model)
    if backend == "torch":
        import torch

        return torch.no_grad()(function)
    return function


def _on_jax(function, model):
    import jax

    variables = model.variables

    @jax.jit
    def run(values, inputs):
        mapping = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return function(inputs)

    return lambda inputs: run([v.value for v in variables], inputs)
