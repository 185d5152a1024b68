"""Loads and builds networks from pixels to grids of region features."""

from vqa_keras.image_encoders.grid_cnn_backbone import GridCNNBackbone
from vqa_keras.image_encoders.grid_coordinates import GridCoordinates
from vqa_keras.image_encoders.load import load
from vqa_keras.image_encoders.network_hash import check_network
from vqa_keras.image_encoders.network_hash import weights_sha256
from vqa_keras.image_encoders.patch_tokens import PatchTokensToGrid
from vqa_keras.image_encoders.pixel_normalization import PixelNormalization
from vqa_keras.image_encoders.pool_and_normalize import pool_and_normalize
from vqa_keras.renamed import missing_attribute


def __getattr__(name):
    raise missing_attribute(__name__, name)
