"""Names of vqa_keras 0.1, and the names of this version in their place.

An old name in Python raises an error that tells the new one; the keys of an old
results.json are renamed by `python -m vqa_keras.zoo.rename_results`.
"""

import re

# Whose task was called `<name>VQA`.
_ARCHITECTURES = (
    "CNNLayer Channel Cosine DenseSymmetric Dual Hierarchical Independent "
    "IntraInter Joint JointlyConditioned Multilevel Parametric SpatialChannel "
    "Stacked Transformer Vanilla"
).split()
_ATTRIBUTES = {
    "vqa_keras.data": {
        "read_images": "Records(folder).images",
        "steps_per_epoch": "Records(folder).steps",
    },
    "vqa_keras.image_encoders": {"postprocess": "pool_and_normalize"},
    "vqa_keras.metrics": {"floors": "baselines"},
    "vqa_keras.models": {
        f"{name}VQA": f"VQA({name}Backbone(...), num_classes=...)"
        for name in _ARCHITECTURES
    },
    "vqa_keras.visualization": {"figure": "strip"},
    "vqa_keras.zoo": {"load": "load_recipe"},
}
_ARGUMENTS = {
    "answerable_only": "in_vocabulary_only",
    "epochs": "first_epoch, as each pass over `load` is the next epoch",
    "num_nowhere": "num_null_slots",
}
_RESULTS = {
    "floors": "baselines",
    "num_nowhere": "num_null_slots",
    "peak": "pointing_accuracy",
}


class Attention(dict):
    """Attention weights by name; the key of an old name tells the new one."""

    def __missing__(self, name):
        new = attention_name(name) if isinstance(name, str) else name
        hint = f"; it is {new!r} now" if new in self else ""
        raise KeyError(f"{name!r} is none of {', '.join(self)}{hint}")


def attention_name(name):
    """Returns the name of this version for the name of an attention."""
    return re.sub("^hop_", "regions_", name)


def missing_attribute(module, name):
    """Returns the AttributeError for a name that a module does not have."""
    message = f"module {module!r} has no attribute {name!r}"
    if new := _ATTRIBUTES.get(module, {}).get(name):
        message += f"; it is {module}.{new} now"
    return AttributeError(message)


def refuse_old_arguments(function, names):
    """Raises TypeError if an argument has its name of 0.1.

    Args:
        function: str, what the message calls the function.
        names: iterable of str, the arguments that it was called with.
    """
    for name in names:
        if name in _ARGUMENTS:
            raise TypeError(
                f"{function}() has no argument {name!r}; it is "
                f"{_ARGUMENTS[name]} now"
            )


def rename_results(value):
    """Returns what a results.json of 0.1 holds under the names of this version.

    Args:
        value: nested dicts and lists of a JSON file.

    Returns:
        A copy of `value` whose keys are renamed, in their order; numbers and
        texts are untouched.
    """
    if isinstance(value, dict):
        return {
            _RESULTS.get(name, attention_name(name)): rename_results(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [rename_results(item) for item in value]
    return value
