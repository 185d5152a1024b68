import inspect

import pytest

from tests.fixtures.docstrings import run_example
from vqa_keras import layers
from vqa_keras.layers.attention_layer import AttentionLayer

PUBLIC = {n: c for n, c in vars(layers).items() if inspect.isclass(c)}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_docstring_names_arguments_results_and_source(name):
    headings = [
        line.rstrip(":")
        for line in inspect.getdoc(PUBLIC[name]).split("\n")
        if line.endswith(":") and not line.startswith(" ")
    ]
    for heading in ("Args", "Returns", "Example"):
        assert headings.count(heading) == 1, heading
    assert {"Reference", "References"} & set(headings)


@pytest.mark.slow
@pytest.mark.parametrize("layer", [*PUBLIC.values(), AttentionLayer])
def test_the_example_of_a_docstring_prints_its_comments(layer):
    run_example(layer)
