"""Decodes images to RGB pixels: files, bytes, PIL images and arrays."""

from vqa_keras.images.decoding import check_values
from vqa_keras.images.decoding import decode
from vqa_keras.images.opening import MAX_PIXELS
from vqa_keras.images.opening import PILLOW_ERRORS
from vqa_keras.images.opening import UnreadableImage
from vqa_keras.images.opening import open_image
