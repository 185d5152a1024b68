import numpy as np
import pytest

from vqa_keras import attention_axes
from vqa_keras.visualization import bars
from vqa_keras.visualization import overlay
from vqa_keras.visualization.kinds import draw
from vqa_keras.visualization.labeled import labeled_bars
from vqa_keras.visualization.labeled import matrix
from vqa_keras.visualization.signed_map import signed_overlay

WORDS = ["is", "it", "red"]
SMALL = 124  # of a panel of 256


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def image(random):
    return random.integers(0, 255, (64, 64, 3), np.uint8)


def assert_images(drawing, expected):
    assert len(drawing.parts) == len(expected)
    for part, image in zip(drawing.parts, expected, strict=True):
        np.testing.assert_array_equal(part.image, image)


def labels(drawing):
    return [part.label for part in drawing.parts]


def test_weights_of_regions_are_maps_or_bars(image, random):
    weights = random.random((4, 4))
    for name in ("regions_1", "regions", "regions_phrase"):
        drawing = draw(name, image, weights, WORDS)
        assert (drawing.form, drawing.scale) == ("panel", "heat")
        assert_images(drawing, [overlay(image, weights)])
        drawing = draw(name, image, weights[0], WORDS)
        assert_images(drawing, [bars(weights[0])])


@pytest.mark.parametrize("kind", attention_axes._KINDS)
def test_every_kind_of_attention_can_be_drawn(image, kind):
    axes = attention_axes.attention_axes(kind)
    drawing = draw(f"{kind}_1", image, np.ones([3] * len(axes)), WORDS)
    assert drawing.name == f"{kind.replace('_', ' ')} 1" and drawing.parts


@pytest.mark.parametrize("name", ["hope", "map", "", "word_1", "Hop_1"])
def test_rejects_a_name_of_no_kind(image, name):
    known = ", ".join(attention_axes._KINDS)
    with pytest.raises(ValueError, match=f"one of {known}. Received: {name}"):
        draw(name, image, np.ones((2, 2)), WORDS)


def test_several_glimpses_are_one_small_map_each(image, random):
    weights = random.random((2, 4, 4))
    drawing = draw("regions_1", image, weights)
    assert labels(drawing) == ["glimpse 1", "glimpse 2"]
    assert_images(drawing, [overlay(image, w, SMALL) for w in weights])


def test_words_are_shaded_by_their_fraction_and_padding_left_out(image):
    weights = np.array([0.2, 0.1, 0.4, 0.3])
    drawing = draw("words_1", image, weights, WORDS)
    assert drawing.form == "words" and labels(drawing) == WORDS
    fractions = [part.fraction for part in drawing.parts]
    np.testing.assert_allclose(fractions, [0.5, 0.25, 1.0])
    assert [part.highest for part in drawing.parts] == [0.2, 0.1, 0.4]


def test_words_of_weight_0_are_not_shaded(image):
    drawing = draw("words_1", image, np.zeros(4), WORDS)
    assert [part.fraction for part in drawing.parts] == [0, 0, 0]


def test_unknown_words_are_bars(image):
    weights = np.array([0.2, 0.8])
    drawing = draw("words_1", image, weights, None)
    expected = labeled_bars(weights, ["1", "2"])
    assert_images(drawing, [expected])


@pytest.mark.parametrize(
    ("name", "label"), [("cnn_layers_1", "layer 1"), ("concepts_1", "1")]
)
def test_layers_and_concepts_are_labeled_bars(image, name, label):
    drawing = draw(name, image, np.array([0.6, 0.4]), WORDS)
    other = label.replace("1", "2")
    expected = labeled_bars(np.array([0.6, 0.4]), [label, other])
    assert_images(drawing, [expected])


def test_channels_are_bars_without_labels(image, random):
    weights = random.random(5)
    drawing = draw("channels_1", image, weights, WORDS)
    assert_images(drawing, [bars(weights)])


@pytest.mark.parametrize("heads", [(), (3,)])
def test_each_word_has_the_map_of_its_weights_over_the_regions(
    image, random, heads
):
    weights = random.random((*heads, 5, 4, 4))
    mean = weights.mean(axis=0) if heads else weights
    drawing = draw("words_to_regions_1", image, weights, WORDS)
    assert labels(drawing) == WORDS and drawing.scale == "each"
    assert_images(drawing, [overlay(image, w, SMALL) for w in mean[:3]])


@pytest.mark.parametrize("heads", [(), (3,)])
def test_each_word_has_the_map_of_its_weight_for_every_region(
    image, random, heads
):
    weights = random.random((*heads, 4, 4, 5))
    mean = weights.mean(axis=0) if heads else weights
    drawing = draw("regions_to_words_1", image, weights, WORDS)
    highest = mean[..., :3].max()  # one scale for all words
    assert (drawing.scale, drawing.highest) == ("heat", highest)
    expected = [overlay(image, mean[..., i], SMALL, highest) for i in range(3)]
    assert_images(drawing, expected)


@pytest.mark.parametrize("heads", [(), (2,)])
def test_each_head_has_the_mean_map_of_the_query_regions(image, random, heads):
    weights = random.random((*heads, 3, 4, 3, 4))
    drawing = draw("regions_to_regions_1", image, weights, WORDS)
    means = weights.reshape(-1, 12, 3, 4).mean(axis=1)
    assert_images(drawing, [overlay(image, w, SMALL) for w in means])
    flat = weights.reshape(*heads, 12, 12)
    drawing = draw("regions_to_regions_1", image, flat, WORDS)
    expected = [bars(w.reshape(-1), SMALL, SMALL // 2) for w in means]
    assert_images(drawing, expected)


@pytest.mark.parametrize("heads", [(), (2,)])
def test_each_head_has_a_table_of_the_words(image, random, heads):
    weights = random.random((*heads, 5, 5))
    drawing = draw("words_to_words_1", image, weights, WORDS)
    assert drawing.form == "tables"
    squares = weights.reshape(-1, 5, 5)[:, :3, :3]
    assert_images(drawing, [matrix(w, WORDS) for w in squares])


def test_affinities_of_all_words_share_one_signed_scale(image, random):
    values = random.uniform(-1, 1, (5, 4, 4))
    values[4] = 9.0  # padding
    drawing = draw("affinity_1", image, values, WORDS)
    highest = np.abs(values[:3]).max()
    assert (drawing.scale, drawing.highest) == ("signed", highest)
    expected = [signed_overlay(image, v, SMALL, highest) for v in values[:3]]
    assert_images(drawing, expected)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("words_to_regions_1", (5, 7)),
        ("regions_to_words_1", (7, 5)),
        ("affinity_word", (5, 7)),
    ],
)
def test_regions_without_a_grid_are_drawn_per_word(image, random, name, shape):
    weights = random.random(shape)
    drawing = draw(name, image, weights, WORDS)
    assert labels(drawing) == WORDS
    numbered = draw(name, image, weights)
    assert labels(numbered) == [f"word {i}" for i in range(1, 6)]


def test_captions_state_how_much_of_large_attention_is_drawn(image, random):
    weights = random.random((9, 20, 20))
    drawing = draw("words_to_words_1", image, weights)
    assert len(drawing.parts) == 8
    assert "the first 8 of 9 heads" in drawing.caption
    assert "the first 14 of 20 words" in drawing.caption
    drawing = draw("affinity_1", image, random.random((20, 4, 4)), WORDS)
    assert "first" not in drawing.caption


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("regions_1", (1, 1, 1)), ("words_1", (3, 1, 4)),
        ("channels_1", (2, 2)), ("cnn_layers_1", (2, 2)),
        ("concepts_1", (2, 2)), ("affinity_1", (4,)),
        ("words_to_regions_1", (4,)), ("regions_to_words_1", (4,)),
        ("words_to_words_1", (4,)), ("regions_to_regions_1", (4,)),
        ("words_to_words_1", (2, 0)),
    ],
)  # fmt: skip
def test_rejects_a_shape_that_the_kind_does_not_have(image, name, shape):
    with pytest.raises(ValueError, match="attention weights must.*Received"):
        draw(name, image, np.ones(shape), WORDS)


def test_only_affinity_may_be_negative(image):
    draw("affinity_1", image, -np.ones((3, 2, 2)), WORDS)
    with pytest.raises(ValueError, match="finite. Received"):
        draw("affinity_1", image, np.full((3, 2, 2), np.inf), WORDS)
    with pytest.raises(ValueError, match="at least 0. Received"):
        draw("words_to_regions_1", image, -np.ones((3, 2, 2)), WORDS)


@pytest.mark.parametrize("name", ["words_1", "affinity_1", "words_to_words_1"])
def test_rejects_more_words_than_positions(image, name):
    shapes = {"words_1": (2,), "affinity_1": (2, 4, 4)}
    weights = np.ones(shapes.get(name, (2, 2)))
    with pytest.raises(ValueError, match="`words` must.*Received: .*red"):
        draw(name, image, weights, WORDS)


def test_sign_of_a_cell_decides_its_color():
    grey = np.full((8, 8, 3), 128, np.uint8)
    drawn = signed_overlay(grey, np.array([[-1.0, 0.0, 1.0]]), 60).astype(int)
    blue, none, red = drawn[10, [10, 30, 50]]
    assert blue[2] - blue[0] > 50 and red[0] - red[2] > 50
    assert np.ptp(none) == 0
    zeros = signed_overlay(grey, np.zeros((2, 2)), 60)
    assert (zeros == none).all()


def test_table_has_a_cell_for_each_pair_of_words():
    weights = np.zeros((2, 2))
    weights[0, 1] = 0.5
    drawn = matrix(weights, ["is", "red"]).astype(int)
    full = np.argwhere((drawn == (252, 255, 164)).all(axis=-1))
    empty = np.argwhere((drawn == (0, 0, 4)).all(axis=-1))
    assert full[:, 0].max() <= empty[:, 0].max() // 1.5  # in the upper row
    assert full[:, 1].min() > empty[:, 1].min() + 20  # in the right column
    assert len(empty) == 3 * len(full)


@pytest.mark.parametrize("count", [1, 14])
def test_tables_of_long_words_keep_their_size(count):
    words = ["extraordinarily" * 9] * count
    drawn = matrix(np.ones((count, count)), words, 204)
    assert max(drawn.shape) <= 204


@pytest.mark.parametrize("labels", [["a"], ["a", "b", "c"]])
def test_bars_and_tables_need_a_label_for_each_weight(labels):
    with pytest.raises(ValueError, match="`labels` must.*Received"):
        labeled_bars(np.ones(2), labels)
    with pytest.raises(ValueError, match="`words` must.*Received"):
        matrix(np.ones((2, 2)), labels)
