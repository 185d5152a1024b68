import math

import keras

from vqa_keras.models.vqa_backbone import VQABackbone
from vqa_keras.models.vqa_backbone import freeze


class PyramidBackbone(VQABackbone):
    """Base class of the backbones that see several layers of a CNN at once.

    Their image side is not one grid but a pyramid of at least two, of any
    depth: `{"grid_1": (B, h, w, C), "grid_2": ..., "token_ids"}`, the grid
    with the most cells first, as `vqa_keras.data.load(inputs="grids")` gives
    them. With an image encoder the inputs are pixels, and the encoder returns
    a dict of grids. Box features have no levels: these models do not take them.

    The regions of such a model are the cells of the smallest grid, in raster
    order.
    """

    @staticmethod
    def image_inputs(image_encoder, grid_shapes, dtype=None):
        """Returns `inputs, grids` of a backbone's image side.

        Args:
            image_encoder: None, or a Keras model from images of a fixed size
                to a dict of two or more grids `(B, h, w, C)`.
            grid_shapes: list of `(h, w, C)` without an encoder, the grid with
                the most cells first.
            dtype: dtype policy; not used, the grids are as they come.

        Raises:
            ValueError: if there are fewer than two grids, one of them is no
                grid of a fixed size, or a larger follows a smaller.
        """
        if image_encoder is None:
            _check_shapes(grid_shapes, f"grid_shapes={grid_shapes}")
            inputs = {
                f"grid_{i}": keras.Input(tuple(shape), name=f"grid_{i}")
                for i, shape in enumerate(grid_shapes, 1)
            }
            return inputs, list(inputs.values())
        levels = _shapes_by_level(image_encoder)
        images = keras.Input(image_encoder.input_shape[1:], name="images")
        if not image_encoder.trainable:
            freeze(image_encoder)
        outputs = image_encoder(images)
        return {"images": images}, [outputs[level] for level in levels]

    def set_config(self, **arguments):
        encoder = arguments["image_encoder"]
        if encoder is not None:
            shapes = _shapes_by_level(encoder).values()
            arguments["grid_shapes"] = shapes
        arguments["grid_shapes"] = [
            list(shape) for shape in arguments["grid_shapes"]
        ]
        super().set_config(**arguments)

    @property
    def grid_shape(self):
        """`(h, w)` of the smallest grid, whose cells the regions are."""
        return tuple(self.grid_shapes[-1][:2])

    def with_image_encoder(self, image_encoder):
        """Returns a backbone with these weights whose inputs are pixels.

        Raises:
            ValueError: if the encoder does not give the grids that this model
                was trained on.
        """
        shapes = list(_shapes_by_level(image_encoder).values())
        if shapes != [list(shape) for shape in self.grid_shapes]:
            raise ValueError(
                "`image_encoder` must give the grids this model was trained "
                f"on, {self.grid_shapes}. Received: {shapes}"
            )
        return self._twin(image_encoder)


def _shapes_by_level(image_encoder):
    """Shapes of the encoder's grids, that with the most cells first."""
    outputs = image_encoder.output
    outputs = outputs if isinstance(outputs, dict) else {"output": outputs}
    shapes = {name: list(t.shape[1:]) for name, t in outputs.items()}
    names = sorted(
        shapes, key=lambda name: (-math.prod(_place(shapes[name])), name)
    )
    shapes = {name: shapes[name] for name in names}
    _check_shapes(list(shapes.values()), f"image_encoder with grids {shapes}")
    return shapes


def _place(shape):
    return [size or 0 for size in shape[:2]]


def _check_shapes(shapes, received):
    sizes = [
        math.prod(shape[:2])
        for shape in shapes or []
        if len(shape) == 3 and None not in shape
    ]
    whole = len(sizes) == len(shapes or [])
    if len(sizes) < 2 or not whole or sizes != sorted(sizes, reverse=True):
        raise ValueError(
            "A pyramid must have at least two grids (height, width, channels) "
            "of fixed size, that with the most cells first; records hold one "
            "with --levels=NAME,NAME and encoders give a dict of grids. "
            f"Received: {received}"
        )
