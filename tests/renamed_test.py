"""A name of vqa_keras 0.1 raises an error that tells the new one."""

import json

import pytest

import vqa_keras
from vqa_keras import data
from vqa_keras import layers
from vqa_keras import models
from vqa_keras.renamed import Attention
from vqa_keras.renamed import rename_results


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("models", "StackedVQA", "VQA(StackedBackbone(...), num_classes=...)"),
        ("metrics", "floors", "vqa_keras.metrics.baselines"),
        ("image_encoders", "postprocess", "pool_and_normalize"),
        ("data", "read_images", "Records(folder).images"),
        ("visualization", "figure", "visualization.strip"),
        ("zoo", "load", "zoo.load_recipe"),
    ],
)
def test_an_old_attribute_names_the_new_one(module, old, new):
    with pytest.raises(AttributeError) as error:
        getattr(getattr(vqa_keras, module), old)
    assert f"it is vqa_keras.{module}" in str(error.value)
    assert new in str(error.value)


def test_an_unknown_attribute_promises_nothing():
    with pytest.raises(AttributeError, match="no attribute 'Stack'$"):
        getattr(models, "Stack")  # noqa: B009


def test_every_old_task_names_a_backbone_that_exists():
    for name in dir(models):
        # Not the base classes and the baseline, which 0.1 did not have.
        if name.endswith("Backbone") and name[0] not in "VPQ":
            old = name.replace("Backbone", "VQA")
            with pytest.raises(AttributeError, match=rf"VQA\({name}\("):
                getattr(models, old)


@pytest.mark.parametrize(
    ("call", "new"),
    [
        (lambda: layers.DenseCoAttention(num_nowhere=2), "num_null_slots"),
        (
            lambda: models.DenseSymmetricBackbone(
                vocabulary_size=9, grid_shapes=[(2, 2, 3)], num_nowhere=2
            ),
            "num_null_slots",
        ),
        (
            lambda: data.load("records", "train", 8, answerable_only=True),
            "in_vocabulary_only",
        ),
        (lambda: data.load("records", "train", 8, epochs=2), "first_epoch"),
    ],
)
def test_an_old_argument_names_the_new_one(call, new):
    with pytest.raises(TypeError, match=f"it is {new}"):
        call()


def test_attention_is_a_dict_whose_old_keys_name_the_new_ones():
    attention = Attention({"regions_1": 1, "words_1": 2})
    assert dict(attention) == {"regions_1": 1, "words_1": 2}
    with pytest.raises(KeyError, match="it is 'regions_1' now"):
        attention["hop_1"]
    with pytest.raises(KeyError, match="none of regions_1, words_1"):
        attention["hop_2"]


def test_results_keep_their_numbers_and_order():
    old = {"floors": {"a": 0.1}, "grounding": {"hop_word": {"peak": 1e-07}}}
    new = [
        {
            "baselines": {"a": 0.1},
            "grounding": {"regions_word": {"pointing_accuracy": 1e-07}},
        }
    ]
    assert json.dumps(rename_results([old])) == json.dumps(new)
    assert rename_results(new) == new


def test_the_baseline_question_only_is_renamed_where_it_is_the_old_one():
    old = {
        "baselines": {
            "majority": 1.5,
            "question_only": 2.5,
            "per_question_type": {
                "question_only": {"majority": 3.5, "question_only": 4.5}
            },
        }
    }
    new = {
        "baselines": {
            "majority": 1.5,
            "same_question": 2.5,
            "per_question_type": {
                "question_only": {"majority": 3.5, "same_question": 4.5}
            },
        }
    }
    assert json.dumps(rename_results(old)) == json.dumps(new)
    new["baselines"]["question_only"] = 5.5  # of a run of that entry
    assert rename_results(new) == new
