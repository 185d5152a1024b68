import numpy as np
import pytest
from keras import ops

from vqa_keras.attention_axes import attention_axes
from vqa_keras.attention_axes import attention_kind
from vqa_keras.attention_axes import unflatten_regions


@pytest.mark.parametrize(
    ("name", "rank", "axes"),
    [
        ("regions_1", 1, ("regions",)),
        ("words", None, ("words",)),
        ("words_phrase", 1, ("words",)),
        ("words_to_regions_2", 2, ("words", "regions")),
        ("words_to_regions_2", 3, ("heads", "words", "regions")),
        ("regions_to_regions_context", None, ("regions", "regions")),
        ("affinity_1", 2, ("words", "regions")),
    ],
)
def test_the_name_tells_the_axes(name, rank, axes):
    assert attention_axes(name, rank) == axes


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("words", "words"),
        ("words_to_regions_2", "words_to_regions"),
        ("words_toward", "words"),
        ("regions_to_words_1", "regions_to_words"),
    ],
)
def test_the_kind_is_the_longest_that_begins_the_name(name, kind):
    assert attention_kind(name) == kind


def test_unknown_names_and_ranks_are_refused():
    with pytest.raises(ValueError, match="begin with one of.*Received: heat"):
        attention_axes("heat")
    with pytest.raises(ValueError, match="'regions_1' must.* Received: 3 axes"):
        attention_axes("regions_1", 3)


@pytest.mark.parametrize("convert", [np.asarray, ops.convert_to_tensor])
@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("regions_1", (2, 6), (2, 2, 3)),
        ("regions_1", (2, 4, 6), (2, 4, 2, 3)),
        ("words_to_regions_1", (2, 4, 6), (2, 4, 2, 3)),
        ("regions_to_words_1", (2, 5, 6, 4), (2, 5, 2, 3, 4)),
        ("regions_to_regions_1", (2, 5, 6, 6), (2, 5, 2, 3, 2, 3)),
        ("words_1", (2, 6), (2, 6)),
        ("channels_1", (2, 6), (2, 6)),
        ("regions_1", (2, 7), (2, 7)),
    ],
)
def test_axes_of_regions_become_a_grid(convert, name, shape, expected):
    weights = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    found = unflatten_regions(name, convert(weights), (2, 3))
    assert tuple(found.shape) == expected
    assert isinstance(found, np.ndarray) == (convert is np.asarray)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(found).ravel(), weights.ravel()
    )


def test_without_a_grid_weights_stay_as_they_are():
    weights = np.ones((2, 6))
    assert unflatten_regions("regions_1", weights, None) is weights
