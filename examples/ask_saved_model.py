"""Answers one question with an exported model, using TensorFlow alone.

    python examples/ask_saved_model.py demo/saved_model IMAGE "QUESTION"

The first argument is the folder that `python -m vqa_keras.zoo.export` wrote. A
server needs no other code: nothing here imports vqa_keras.
"""

import pathlib
import sys

import tensorflow as tf


def main(arguments):
    """Prints the answers with scores and the strongest cell of each map."""
    if len(arguments) != 3:
        sys.exit(
            "The arguments must be MODEL_DIR IMAGE QUESTION. Received: "
            f"{arguments}"
        )
    directory, image, question = arguments
    model = tf.saved_model.load(str(pathlib.Path(directory) / "1"))
    outputs = model.signatures["serving_default"](
        images=tf.constant([pathlib.Path(image).read_bytes()]),
        questions=tf.constant([question]),
    )
    if not outputs.pop("readable").numpy()[0]:
        sys.exit(
            "IMAGE must be a readable JPEG, PNG or BMP within the model's "
            f"megapixels. Received: {image}"
        )
    print(f"{image}: {question}")
    answers = outputs.pop("answers").numpy()[0]
    scores = outputs.pop("scores").numpy()[0]
    for answer, score in zip(answers, scores, strict=True):
        print(f"{score:7.2%}  {answer.decode()}")
    for name, weights in sorted(outputs.items()):
        of_regions = name.startswith("regions_") and "_to_" not in name
        if not of_regions or weights.shape.rank != 3:
            continue  # of words or channels, or of several heads
        rows, columns = weights.shape[1:]
        row, column = divmod(int(tf.argmax(tf.reshape(weights, [-1]))), columns)
        print(
            f"{name}: strongest of {rows} x {columns} cells at "
            f"row {row}, column {column}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
