"""Pictures of what a model looked at; needs numpy and Pillow only."""

from vqa_keras.visualization.figure import figure
from vqa_keras.visualization.heat_map import bars
from vqa_keras.visualization.heat_map import colormap
from vqa_keras.visualization.heat_map import enlarge
from vqa_keras.visualization.heat_map import overlay
from vqa_keras.visualization.report import Example
from vqa_keras.visualization.report import write_report
