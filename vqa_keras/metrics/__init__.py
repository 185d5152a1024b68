"""Scores a model's answers and heat maps."""

from vqa_keras.metrics.accuracy import accuracy
from vqa_keras.metrics.baselines import baselines
from vqa_keras.metrics.calibration import expected_calibration_error
from vqa_keras.metrics.calibration import threshold_table
from vqa_keras.metrics.grounding import boxes_mask
from vqa_keras.metrics.grounding import covered_cells
from vqa_keras.metrics.grounding import covered_regions
from vqa_keras.metrics.grounding import grounding
from vqa_keras.metrics.grounding import object_mask
from vqa_keras.metrics.official import answer_accuracy
from vqa_keras.metrics.official import answers_of_annotators
from vqa_keras.metrics.official import evaluate
from vqa_keras.metrics.submission import write_submission
from vqa_keras.metrics.vqa_accuracy import VQAAccuracy
from vqa_keras.metrics.wups import WordNet
from vqa_keras.metrics.wups import wups
from vqa_keras.renamed import missing_attribute


def __getattr__(name):
    raise missing_attribute(__name__, name)
