"""The example client queries a model made of three constants."""

import ast
import pathlib
import runpy

import pytest
import tensorflow as tf

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "ask_saved_model.py"


class Served(tf.Module):
    """Returns the size of the image file as the best answer."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="images"),
            tf.TensorSpec([None], tf.string, name="questions"),
        ]
    )
    def ask(self, images, questions):
        size = tf.strings.as_string(tf.strings.length(images))
        return {
            "answers": tf.stack([size, questions], axis=1),
            "scores": tf.constant([[0.75, 0.25]]),
            "readable": tf.ones_like(images, tf.bool),
            "regions_1": tf.constant([[[0.1, 0.2, 0.1], [0.1, 0.1, 0.4]]]),
        }


@pytest.fixture
def main():
    return runpy.run_path(str(EXAMPLE))["main"]


def test_prints_answers_scores_and_the_strongest_cell(main, tmp_path, capsys):
    served = Served()
    tf.saved_model.save(
        served, tmp_path / "1", signatures={"serving_default": served.ask}
    )
    image = tmp_path / "image.png"
    image.write_bytes(b"12345")
    main([str(tmp_path), str(image), "why?"])
    assert capsys.readouterr().out.splitlines() == [
        f"{image}: why?",
        " 75.00%  5",
        " 25.00%  why?",
        "regions_1: strongest of 2 x 3 cells at row 1, column 2",
    ]


def test_an_error_names_the_arguments(main):
    with pytest.raises(SystemExit, match="must be MODEL_DIR IMAGE QUESTION"):
        main(["model"])


def test_imports_nothing_but_tensorflow_and_the_standard_library():
    tree = ast.parse(EXAMPLE.read_text())
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported == {"pathlib", "sys", "tensorflow"}
    assert not any(isinstance(n, ast.ImportFrom) for n in ast.walk(tree))
