import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import DenseCoAttention

WORDS_MASK = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1]], "int32")
REGIONS_MASK = np.array([[1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], "int32")


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    return {
        "words": rng.normal(size=(3, 3, 6)).astype("float32"),
        "regions": rng.normal(size=(3, 4, 6)).astype("float32"),
        "words_mask": WORDS_MASK,
        "regions_mask": REGIONS_MASK,
    }


def make(inputs, **arguments):
    """A layer of two heads with random weights and biases."""
    layer = DenseCoAttention(
        **{"num_heads": 2, "num_null_slots": 2, **arguments}
    )
    layer(**inputs)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def run(layer, **inputs):
    """Returns words, regions, words_to_regions, regions_to_words."""
    outputs = keras.tree.flatten(layer(**inputs))
    return [ops.convert_to_numpy(t) for t in outputs]


def weight(layer, path):
    (found,) = (w for w in layer.weights if w.path.endswith(path))
    return ops.convert_to_numpy(found).astype("float64")


def attend(layer, asking, keys, valid, sides):
    """One side in NumPy: one query, head and key at a time."""
    head_dim = asking.shape[-1] // layer.num_heads
    rows, new = np.zeros((len(asking), len(keys))), []
    asking_side, keys_side = sides
    for i, x in enumerate(asking):
        for head in range(layer.num_heads):
            part = slice(head * head_dim, (head + 1) * head_dim)
            query = x @ weight(layer, f"/{asking_side}_dense/kernel")[:, part]
            exps = np.zeros(len(keys))
            for j in np.flatnonzero(valid):
                key = (keys[j] @ weight(layer, f"/{keys_side}_dense/kernel"))[
                    part
                ]
                exps[j] = np.exp(query @ key / np.sqrt(head_dim))
            rows[i] += exps / (exps.sum() or 1) / layer.num_heads
        both = np.concatenate([x, rows[i] @ keys])
        fused = both @ weight(layer, f"{asking_side}_fusion_dense/kernel")
        fused = fused + weight(layer, f"{asking_side}_fusion_dense/bias")
        new.append(x + np.maximum(fused, 0))
    return np.array(new), rows


@pytest.mark.parametrize("num_null_slots", [0, 3])
def test_keeps_the_layer_contract(check_layer, inputs, num_null_slots):
    layer = DenseCoAttention(2, num_null_slots=num_null_slots)
    check_layer(layer, inputs)


def test_keeps_the_layer_contract_without_masks(check_layer, inputs):
    del inputs["words_mask"], inputs["regions_mask"]
    check_layer(DenseCoAttention(3), inputs)


@pytest.mark.parametrize("num_heads", [1, 3])
@pytest.mark.parametrize("num_null_slots", [0, 2])
def test_matches_the_published_formula(inputs, num_heads, num_null_slots):
    layer = make(inputs, num_heads=num_heads, num_null_slots=num_null_slots)
    words, regions, to_regions, to_words = run(layer, **inputs)
    slots = dict.fromkeys(("words", "regions"), np.zeros((0, 6)))
    if num_null_slots:
        slots = {side: weight(layer, f"{side}_null_slots") for side in slots}
    for b in range(3):
        keys, valid, n = {}, {}, {}
        for side in slots:
            keys[side] = np.concatenate([inputs[side][b], slots[side]])
            mask = inputs[f"{side}_mask"][b]
            valid[side] = np.append(mask, np.ones(num_null_slots))
            n[side] = mask.sum()
        for side, other, output, found in [
            ("words", "regions", words, to_regions),
            ("regions", "words", regions, to_words),
        ]:
            old = inputs[side][b, : n[side]].astype("float64")
            expected, rows = attend(
                layer, old, keys[other], valid[other], (side, other)
            )
            if n[side]:
                kept = slice(0, inputs[other].shape[1])
                np.testing.assert_allclose(
                    output[b, : n[side]], expected, rtol=1e-5, atol=1e-5
                )
                np.testing.assert_allclose(
                    found[b, : n[side]], rows[:, kept], atol=1e-5
                )
            assert (output[b, n[side] :] == 0).all()
            assert (found[b, n[side] :] == 0).all()


def test_null_slots_take_the_rest_of_a_row(inputs):
    del inputs["words_mask"], inputs["regions_mask"]
    for num_null_slots in (0, 2):
        layer = make(inputs, num_null_slots=num_null_slots)
        *_, to_regions, to_words = run(layer, **inputs)
        for rows in (to_regions.sum(-1), to_words.sum(-1)):
            if num_null_slots:
                assert (rows < 1 - 1e-4).any() and (rows <= 1 + 1e-6).all()
            else:
                np.testing.assert_allclose(rows, 1, rtol=1e-5)


def test_without_an_affinity_it_averages_the_slots(inputs):
    layer = make(inputs, num_null_slots=2)
    layer.words_dense.kernel.assign(np.zeros((6, 6)))
    *_, to_regions, to_words = run(layer, **inputs)
    np.testing.assert_allclose(to_regions[0, 0], [0.2] * 3 + [0], atol=1e-6)
    np.testing.assert_allclose(to_words[2], 1 / 5, atol=1e-6)


def test_both_sides_exchange_roles(inputs):
    """Swapping the sides and their weights swaps the outputs."""
    layer, twin = make(inputs), make(inputs)
    for w in twin.weights:
        side = "words" if "/words_" in w.path else "regions"
        other = {"words": "regions", "regions": "words"}[side]
        end = "/" + w.path.split("/", 1)[1].replace(side, other)
        w.assign(weight(layer, end))
    words, regions, to_regions, to_words = run(layer, **inputs)
    swapped = run(
        twin,
        words=inputs["regions"],
        regions=inputs["words"],
        words_mask=inputs["regions_mask"],
        regions_mask=inputs["words_mask"],
    )
    for a, b in zip(
        swapped, [regions, words, to_words, to_regions], strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(inputs, dtype):
    layer = make(inputs)
    outputs = run(layer, **inputs)
    padded = {}
    for side in ("words", "regions"):
        rows, mask = inputs[side].copy(), inputs[f"{side}_mask"]
        rows[mask == 0] = 1e3
        padded[side] = np.pad(
            rows, [(0, 0), (0, 2), (0, 0)], constant_values=-1e3
        )
        padded[f"{side}_mask"] = np.pad(mask, [(0, 0), (0, 2)]).astype(dtype)
    for a, b in zip(run(layer, **padded), outputs, strict=True):
        more = [
            (0, large - small)
            for large, small in zip(a.shape, b.shape, strict=True)
        ]
        np.testing.assert_allclose(a, np.pad(b, more), rtol=1e-5, atol=1e-5)


def test_padding_of_nan_has_no_influence(inputs):
    layer = make(inputs)
    outputs = run(layer, **inputs)
    for side in ("words", "regions"):
        inputs[side][inputs[f"{side}_mask"] == 0] = np.nan
    for output, expected in zip(run(layer, **inputs), outputs, strict=True):
        np.testing.assert_array_equal(output, expected)


def test_order_of_regions_does_not_matter(inputs):
    layer = make(inputs)
    words, regions, to_regions, to_words = run(layer, **inputs)
    for name in ("regions", "regions_mask"):
        inputs[name] = inputs[name][:, ::-1]
    again = run(layer, **inputs)
    expected = [words, regions[:, ::-1], to_regions[:, :, ::-1]]
    expected.append(to_words[:, ::-1])
    for a, b in zip(again, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_words_of_an_image_without_regions_attend_to_slots(inputs):
    layer = make(inputs)
    words, regions, to_regions, _ = run(layer, **inputs)
    assert (to_regions[1] == 0).all() and (regions[1] == 0).all()
    layer.regions_null_slots.assign(layer.regions_null_slots + 1)
    assert np.abs(run(layer, **inputs)[0][1, 0] - words[1, 0]).max() > 1e-3


def test_dropout_drops_the_added_vectors_in_training_only(inputs):
    layer = make(inputs, dropout=0.5)
    words, *_ = run(layer, **inputs)
    trained, *_ = keras.tree.flatten(layer(**inputs, training=True))
    trained = ops.convert_to_numpy(trained)
    kept = trained[2] - inputs["words"][2]
    added = words[2] - inputs["words"][2]
    dropped = np.isclose(kept, 0, atol=1e-6)
    assert (dropped | np.isclose(kept, 2 * added, atol=1e-4)).all()
    assert (dropped & (added > 1e-3)).any()


def test_parameters_are_those_of_the_paper(inputs):
    d, k = 6, 3
    layer = make(inputs, num_null_slots=k)
    assert layer.count_params() == 2 * d * d + 2 * (2 * d + 1) * d + 2 * k * d


def test_rejects_shapes_that_do_not_fit(inputs):
    words, regions = inputs["words"], inputs["regions"]
    with pytest.raises(ValueError, match="same width.*Received: words.shape"):
        DenseCoAttention(2)(words, regions[..., :4])
    with pytest.raises(ValueError, match="flatten a CNN grid.*Received"):
        DenseCoAttention(2)(words, regions.reshape(3, 2, 2, 6))
    with pytest.raises(ValueError, match="must divide.*num_heads=4, width=6"):
        DenseCoAttention(4)(words, regions)


def test_rejects_bad_arguments():
    with pytest.raises(ValueError, match="`num_heads` must.*Received: 0"):
        DenseCoAttention(0)
    with pytest.raises(ValueError, match="`num_null_slots` must.*Received: -1"):
        DenseCoAttention(num_null_slots=-1)
    with pytest.raises(ValueError, match="`dropout` must.*Received: 1"):
        DenseCoAttention(dropout=1)
