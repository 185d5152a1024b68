"""Measures whether the heat maps of a split lie on their objects."""

import collections
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from vqa_keras import metrics
from vqa_keras.data.image_record import ImageRecord
from vqa_keras.images import decode
from vqa_keras.runs.figures import MapGrounding
from vqa_keras.runs.figures import TypeGrounding

REGIONS = "regions"  # Instead of a grid's shape: regions with boxes.

_Shape = tuple[int, int] | str


class Grounding:
    """Gathers the objects of questions, image by image, and measures maps.

    The objects of a question are its `object_boxes`, in any data set. In
    drawings on a plain background, those of a question without boxes are all
    that is drawn. Other questions are left out.

    Args:
        maps: `{name: shape}` of the attention to measure: `(h, w)` of the grid
            whose cells it weights, or `REGIONS` where it weights the regions of
            the images' `boxes`.
        drawings: whether the stored images are such drawings.
    """

    def __init__(self, maps: Mapping[str, _Shape], drawings: bool = False):
        self.maps = maps
        self.drawings = drawings
        self._num_questions = 0
        self._rows: dict[_Shape, list[int]] = {s: [] for s in maps.values()}
        self._covered: dict[_Shape, list[np.ndarray]] = {
            shape: [] for shape in maps.values()
        }
        self._types: dict[int, str] = {}  # of the rows whose objects are boxes

    def add(self, image: ImageRecord) -> None:
        """Adds the next image, of `Records.images`."""
        found = {}  # once for all questions about the same objects
        for row, question in enumerate(image.questions, self._num_questions):
            boxes = tuple(map(tuple, question.object_boxes))
            if not self.maps or not (boxes or self.drawings):
                continue
            if boxes:
                self._types[row] = question.question_type
            if boxes not in found:
                found[boxes] = self._find(image, boxes)
            for shape, covered in found[boxes].items():
                self._rows[shape].append(row)
                self._covered[shape].append(covered)
        self._num_questions += len(image.questions)

    def measure(
        self, attention: Mapping[str, np.ndarray]
    ) -> dict[str, MapGrounding]:
        """Returns the grounding of each map.

        A map that no question can be measured for is left out.

        Args:
            attention: `{name: (Q, ...)}` of the questions in the order of
                `add`.
        """
        return {
            name: self._measure(attention[name], shape)
            for name, shape in self.maps.items()
            if self._rows[shape]
        }

    def _find(
        self, image: ImageRecord, boxes: Sequence[tuple[float, ...]]
    ) -> dict[_Shape, np.ndarray]:
        """Covered parts of every shape: cells, or regions if there are any."""
        covered = {}
        for shape in self._rows:
            if shape != REGIONS:
                if boxes:
                    mask = metrics.boxes_mask(boxes, image.image_size)
                else:
                    mask = metrics.object_mask(decode(image.image))
                covered[shape] = metrics.covered_cells(mask, shape)
            elif boxes and image.boxes is not None and len(image.boxes):
                covered[shape] = metrics.covered_regions(image.boxes, boxes)
        return covered

    def _measure(self, weights: np.ndarray, shape: _Shape) -> MapGrounding:
        rows = self._rows[shape]
        weights = weights[rows]
        if shape == REGIONS:
            covered, mask = _padded(self._covered[shape], weights.shape[1])
        else:
            covered, mask = np.stack(self._covered[shape]), None
            weights = weights.reshape(covered.shape)
        of_type = collections.defaultdict(list)
        for position, row in enumerate(rows):
            if row in self._types:
                of_type[self._types[row]].append(position)
        by_type = {
            question_type: TypeGrounding(
                **metrics.grounding(
                    weights[chosen],
                    covered[chosen],
                    None if mask is None else mask[chosen],
                ),
                questions=len(chosen),
            )
            for question_type, chosen in sorted(of_type.items())
        }
        return MapGrounding(
            **metrics.grounding(weights, covered, mask),
            questions=len(rows) if by_type else None,
            per_question_type=by_type if len(by_type) > 1 else None,
        )


def _padded(
    covered: list[np.ndarray], num_regions: int
) -> tuple[np.ndarray, np.ndarray]:
    """What images of fewer regions cover, padded, and where regions are."""
    stacked = np.zeros((2, len(covered), num_regions), bool)
    for row, regions in enumerate(covered):
        regions = regions[:num_regions]
        stacked[:, row, : len(regions)] = regions, np.ones(len(regions))
    return stacked[0], stacked[1]
