"""Checks of the layers and networks that a backbone is given."""

import inspect


def check_contextualizer(contextualizer):
    """Raises ValueError unless `call` takes regions and a `regions_mask`."""
    arguments = inspect.signature(contextualizer.call).parameters.values()
    required = [a.name for a in arguments if a.default is a.empty]
    names = [a.name for a in arguments]
    if len(required) != 1 or "regions_mask" not in names:
        raise ValueError(
            "`contextualizer` must be a layer called with regions and the "
            "keyword `regions_mask`, such as SelfAttentionContextualizer. "
            f"Received: {type(contextualizer).__name__}, which takes "
            f"{', '.join(names)}"
        )


def check_in_context(contextualizer, outputs, regions):
    """Raises ValueError unless the outputs have the shape of the regions."""
    if outputs.shape != regions.shape:
        raise ValueError(
            "`contextualizer` must keep the shape of the regions, "
            f"{regions.shape}. Received: {contextualizer.name}, which "
            f"returns {outputs.shape}"
        )


def check_image_encoder(image_encoder):
    """Raises ValueError unless images of one size become a single grid."""
    shape, grid_shape = image_encoder.input_shape, image_encoder.output_shape
    if not all(
        isinstance(s, tuple) and len(s) == 4 and None not in s[1:]
        for s in (shape, grid_shape)
    ):
        raise ValueError(
            "`image_encoder` must map images of a fixed size to one grid "
            "of shape (batch, height, width, channels). Received: "
            f"input_shape={shape}, output_shape={grid_shape}"
        )


def check_encoded_question(question_encoder, encoded, hidden_dim):
    """Raises ValueError unless the outputs are those of `QuestionEncoder`."""
    shapes = [tuple(t.shape) for t in encoded]
    ranks, widths = [len(s) for s in shapes], [s[-1] for s in shapes[:2]]
    if ranks != [2, 3, 2] or widths != [hidden_dim] * 2:
        raise ValueError(
            "`question_encoder` must return question (batch, hidden_dim), "
            "words (batch, words, hidden_dim) and words_mask (batch, words), "
            f"with hidden_dim={hidden_dim}. Received: {question_encoder.name}, "
            f"which returns shapes {shapes}"
        )
