"""Whether a split's heat maps lie on what their questions are about."""

import collections

import numpy as np

from vqa_keras import metrics
from vqa_keras.data.image_record import ImageRecord
from vqa_keras.images import decode

REGIONS = "regions"  # Instead of a grid's shape: regions with boxes.


class Grounding:
    """Gathers, question by question, where the objects are.

    A question's objects are its `object_boxes`, in any data set. In drawings on
    a plain background, a question without boxes is about all that is drawn.
    Other questions are left out.

    Args:
        maps: `{name: shape}` of the attention to measure: `(h, w)` of the grid
            whose cells it weighs, or `REGIONS` where it weighs the regions of
            the images' `boxes`.
        drawings: whether the stored pictures are such drawings.
    """

    def __init__(
        self, maps: dict[str, tuple[int, int] | str], drawings: bool = False
    ):
        self.maps = maps
        self.drawings = drawings
        self._num_questions = 0
        self._rows = {shape: [] for shape in maps.values()}
        self._covered = {shape: [] for shape in maps.values()}
        self._types = {}  # of the rows whose objects are boxes

    def add(self, image: ImageRecord) -> None:
        """Adds the next image of `Records.images`."""
        found = {}  # Questions about the same objects share the work.
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

    def measure(self, attention: dict[str, np.ndarray]) -> dict[str, dict]:
        """Returns `{name: {"pointing_accuracy", "mass", "chance"}}` in percent.

        Where objects are boxes, there is also "questions", the number of those
        measured, and, if they are of several types, "per_question_type", which
        holds the same for each. A map that no question can be measured for is
        left out.

        Args:
            attention: `{name: (Q, ...)}` of the questions in the order of
                `add`.
        """
        return {
            name: self._measure(attention[name], shape)
            for name, shape in self.maps.items()
            if self._rows[shape]
        }

    def _find(self, image, boxes):
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

    def _measure(self, weights, shape):
        rows = self._rows[shape]
        weights = weights[rows]
        if shape == REGIONS:
            covered, mask = _padded(self._covered[shape], weights.shape[1])
        else:
            covered, mask = np.stack(self._covered[shape]), None
            weights = weights.reshape(covered.shape)
        result = metrics.grounding(weights, covered, mask)
        of_type = collections.defaultdict(list)
        for position, row in enumerate(rows):
            if row in self._types:
                of_type[self._types[row]].append(position)
        if of_type:
            result["questions"] = len(rows)
        if len(of_type) > 1:
            result["per_question_type"] = {
                question_type: {
                    **metrics.grounding(
                        weights[chosen],
                        covered[chosen],
                        None if mask is None else mask[chosen],
                    ),
                    "questions": len(chosen),
                }
                for question_type, chosen in sorted(of_type.items())
            }
        return result


def _padded(covered, num_regions):
    """Stacks what images of fewer regions cover, and where regions are."""
    stacked = np.zeros((2, len(covered), num_regions), bool)
    for row, regions in enumerate(covered):
        regions = regions[:num_regions]
        stacked[:, row, : len(regions)] = regions, np.ones(len(regions))
    return stacked
