import inspect

import pytest

from tests.fixtures.docstrings import run_example
from vqa_keras import models

DOCUMENTED = {
    name: value
    for name, value in vars(models).items()
    if inspect.isclass(value) and "Example:" in inspect.getdoc(value)
}


def test_the_task_and_its_parts_have_examples():
    assert {"VQA", "VQAPreprocessor", "StackedBackbone"} < set(DOCUMENTED)


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_example_of_a_docstring_prints_its_comments(name):
    run_example(DOCUMENTED[name])
