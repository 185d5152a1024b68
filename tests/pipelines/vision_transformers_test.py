"""Records, `ask` and the SavedModel have the features of a preset's own code.

Of small random vision transformers, saved as KerasHub presets.
"""

import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from PIL import Image

from tests.fixtures.vision_transformers import TRANSFORMERS
from tests.fixtures.vision_transformers import image_part
from tests.fixtures.vision_transformers import tokens_of
from vqa_keras import serving
from vqa_keras.image_encoders.resize import resize
from vqa_keras.images import decode
from vqa_keras.models import VQA
from vqa_keras.models import StackedBackbone
from vqa_keras.models import VQAPreprocessor
from vqa_keras.text import QuestionTokenizer

pytestmark = [pytest.mark.beam, pytest.mark.slow]

QUESTION = "what color is it"


@pytest.fixture
def noisy(data):
    """Replaces two images of the test split by noise, which no cell repeats."""
    for i in range(2):
        image = Image.effect_noise((50, 40), 90 + i).convert("RGB")
        image.save(data / "test" / "images" / f"{i}.png")
    return data


def by_hand(name, backbone, converter, pixels):
    """Returns the grid by KerasHub's own converter and layers."""
    _, prefix, grid_shape = TRANSFORMERS[name]
    converted = converter(pixels[None].astype("float32"))
    tokens = ops.convert_to_numpy(tokens_of(backbone, converted))
    return tokens[0, prefix:].reshape(*grid_shape, -1)


def task_of(records):
    return VQA(
        StackedBackbone(
            vocabulary_size=len(records.vocabulary),
            embedding_dim=6,
            hidden_dim=8,
            attention_dim=8,
            regions_dim=16,
        ),
        num_classes=len(records.answers),
        preprocessor=VQAPreprocessor(
            QuestionTokenizer(records.vocabulary, sequence_length=6),
            records.answers,
        ),
    )


@pytest.mark.parametrize(
    "name", ["vit", "dinov2_with_registers", "dinov3", "clip", "siglip"]
)
def test_records_ask_and_the_savedmodel_have_the_presets_features(
    name, noisy, write, tmp_path
):
    backbone = TRANSFORMERS[name][0]()
    preset = tmp_path / "preset"
    backbone.save_to_preset(preset)
    size = image_part(backbone).image_shape[:2]
    converter = keras_hub.layers.ImageConverter(
        size, [0.02, 0.01, 0.03], [-1.0, -2.0, -0.5]
    )
    converter.save_to_preset(preset)
    features = {"image_encoder": str(preset)}
    records = write(tmp_path / "records", features=features)
    shape = (*TRANSFORMERS[name][2], 16)
    assert records.info.features.levels == {"grid": shape}

    task = task_of(records).with_image_encoder(records.image_encoder())
    task.save_to_preset(tmp_path / "run")
    loaded = VQA.from_preset(str(tmp_path / "run"))
    path = serving.export(task, tmp_path / "served", top_k=3)
    signatures = tf.saved_model.load(str(path)).signatures
    maps = []
    for record in records.images("test"):
        if record.image_id not in ("test-0", "test-1"):
            continue
        grid = record.features["grid"]
        pixels = np.asarray(resize(decode(record.image), size))
        expected = by_hand(name, backbone, converter, pixels)
        np.testing.assert_allclose(grid, expected, rtol=2e-3, atol=2e-3)

        answer = task.ask(record.image, QUESTION, top_k=3)
        again = loaded.ask(record.image, QUESTION, top_k=3)
        assert_answers(again.probabilities, again.attention, answer, 1e-6)
        served = signatures["serving_default"](
            images=tf.constant([record.image]),
            questions=tf.constant([QUESTION]),
        )
        assert_served(served, answer, 1e-5)
        of_records = signatures["tokens"](
            regions=tf.reshape(tf.cast(grid, "float32"), (1, -1, 16)),
            token_ids=task.preprocessor.tokenizer([QUESTION]),
        )
        assert_served(of_records, answer, 1e-3)
        maps.append(answer.attention["regions_1"])
    # Larger than the tolerances: they tell other features from equal ones.
    assert np.abs(maps[0] - maps[1]).max() > 5e-3


def assert_served(outputs, answer, atol):
    found = {name: outputs[name][0] for name in answer.attention}
    assert_answers(outputs["scores"][0], found, answer, atol)


def assert_answers(probabilities, attention, answer, atol):
    np.testing.assert_allclose(probabilities, answer.probabilities, atol=atol)
    assert set(attention) == set(answer.attention)
    for name, weights in answer.attention.items():
        np.testing.assert_allclose(attention[name], weights, atol=atol)
