"""Draws attention over images and renders answered questions as HTML.

Requires only NumPy and Pillow.
"""

from vqa_keras.renamed import missing_attribute
from vqa_keras.visualization.example import Example
from vqa_keras.visualization.heat_map import bars
from vqa_keras.visualization.heat_map import colormap
from vqa_keras.visualization.heat_map import enlarge
from vqa_keras.visualization.heat_map import overlay
from vqa_keras.visualization.page import page
from vqa_keras.visualization.report import write_report
from vqa_keras.visualization.strip import strip


def __getattr__(name):
    raise missing_attribute(__name__, name)
