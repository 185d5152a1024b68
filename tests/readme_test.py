"""The code of the README runs as it is printed there."""

import pathlib
import re

import pytest

README = pathlib.Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
def test_a_layer_trains_in_a_model_that_is_not_ours():
    (code,) = re.findall(
        r"<!-- run by tests/readme_test.py -->\n```python\n(.*?)```",
        README.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    assert len([line for line in code.splitlines() if line]) <= 20
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    losses = names["history"].history["loss"]
    assert losses[-1] < 0.9 * losses[0]
