"""Names of vqa_keras 0.1, and the names of this version in their place.

In Python, an old name raises an error with the new one. In an old
results.json, `python -m vqa_keras.zoo.rename_results` renames the keys.
"""

import re

# Each had a task called `<name>VQA`.
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
# `question_only` is the accuracy of a run of that entry now, beside this name.
_BASELINE = ("question_only", "same_question")


class Attention(dict):
    """Attention weights by name; the error for an old name has the new one."""

    def __missing__(self, name):
        new = attention_name(name) if isinstance(name, str) else name
        hint = f"; it is {new!r} now" if new in self else ""
        raise KeyError(f"{name!r} is none of {', '.join(self)}{hint}")


def attention_name(name):
    """Returns the name in this version of an attention of 0.1."""
    return re.sub("^hop_", "regions_", name)


def missing_attribute(module, name):
    """Returns the AttributeError for a missing attribute, with its new name."""
    message = f"module {module!r} has no attribute {name!r}"
    if new := _ATTRIBUTES.get(module, {}).get(name):
        message += f"; it is {module}.{new} now"
    return AttributeError(message)


def refuse_old_arguments(function, names):
    """Raises TypeError if an argument has its name of 0.1.

    Args:
        function: str. Name of the function, for the message.
        names: iterable of str. Names of the arguments of the call.
    """
    for name in names:
        if name in _ARGUMENTS:
            raise TypeError(
                f"{function}() has no argument {name!r}; it is "
                f"{_ARGUMENTS[name]} now"
            )


def rename_results(value):
    """Returns the content of a results.json of 0.1 with this version's names.

    Args:
        value: nested dicts and lists of a JSON file.

    Returns:
        A copy of `value` with renamed keys, in their order; other values are
        unchanged.
    """
    if isinstance(value, dict):
        names = dict(_RESULTS)
        old, new = _BASELINE
        if "majority" in value and new not in value:
            names[old] = new
        return {
            names.get(name, attention_name(name)): rename_results(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [rename_results(item) for item in value]
    return value
