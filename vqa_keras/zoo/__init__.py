"""The zoo: finds its recipes, and one command a file to use them."""

from vqa_keras.renamed import missing_attribute
from vqa_keras.zoo.build_model import build_model
from vqa_keras.zoo.recipe import entries
from vqa_keras.zoo.recipe import load_recipe
from vqa_keras.zoo.recipe import names
from vqa_keras.zoo.recipe import set_values


def __getattr__(name):
    raise missing_attribute(__name__, name)
