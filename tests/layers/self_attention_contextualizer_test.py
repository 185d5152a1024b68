import keras
import numpy as np
import pytest
from keras import ops

from vqa_keras.layers import SelfAttentionContextualizer

# The second row has one valid region, which has no other to attend to.
MASK = np.array([[1, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]])
MASK = MASK.astype("int32")
FORMS = [(None, 1, False), (None, 1, True), (6, 1, False), (6, 3, True)]


@pytest.fixture
def regions():
    return np.random.default_rng(0).normal(size=(4, 4, 5)).astype("float32")


def contextualize(layer, regions, mask=None):
    return [ops.convert_to_numpy(t) for t in layer(regions, regions_mask=mask)]


def expected_by_loops(layer, regions, mask):
    """The formula, one image, head and pair of regions at a time."""
    kernels = [ops.convert_to_numpy(w) for w in layer.weights]
    width = kernels[0].shape[1] if kernels else regions.shape[-1]
    part = width // layer.num_heads
    context = np.zeros(regions.shape)
    weights = np.zeros((len(mask), layer.num_heads, 4, 4))
    for b in range(len(mask)):
        valid = np.flatnonzero(mask[b])
        for i in valid:
            context[b, i] = regions[b, i]
            for h in range(layer.num_heads):
                head = slice(h * part, (h + 1) * part)
                exps = {}
                for j in valid:
                    if i == j and layer.exclude_self:
                        continue
                    asking, seen = regions[b, i], regions[b, j]
                    if kernels:
                        asking, seen = asking @ kernels[0], seen @ kernels[1]
                    score = asking[head] @ seen[head] / np.sqrt(part)
                    exps[j] = np.exp(score.astype("float64"))
                for j, value in exps.items():
                    weights[b, h, i, j] = value / sum(exps.values())
                    context[b, i] += (
                        weights[b, h, i, j] * regions[b, j] / layer.num_heads
                    )
    return context, weights


@pytest.mark.parametrize("form", [FORMS[0], FORMS[3]])
def test_keeps_the_layer_contract(check_layer, regions, form):
    layer = SelfAttentionContextualizer(*form)
    check_layer(layer, {"regions": regions, "regions_mask": MASK})
    check_layer(layer, {"regions": regions})


@pytest.mark.parametrize("form", FORMS)
def test_matches_the_formula(regions, form):
    layer = SelfAttentionContextualizer(*form)
    layer(regions)
    for mask in (MASK, np.ones_like(MASK)):
        results = contextualize(layer, regions, mask)
        expected = expected_by_loops(layer, regions, mask)
        for a, b in zip(results, expected, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_order_of_regions_does_not_matter(regions, form):
    layer = SelfAttentionContextualizer(*form)
    context, weights = contextualize(layer, regions, MASK)
    again, flipped = contextualize(layer, regions[:, ::-1], MASK[:, ::-1])
    np.testing.assert_allclose(again[:, ::-1], context, atol=1e-5)
    np.testing.assert_allclose(flipped[..., ::-1, ::-1], weights, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fill", [1e3, np.nan])
@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_padding_has_no_influence(regions, form, dtype, fill):
    layer = SelfAttentionContextualizer(*form)
    context, weights = contextualize(layer, regions, MASK.astype(dtype))
    regions[MASK == 0] = fill
    padding = np.full((4, 3, 5), -fill, "float32")
    again, more = contextualize(
        layer,
        np.concatenate([regions, padding], axis=1),
        np.pad(MASK, [(0, 0), (0, 3)]).astype(dtype),
    )
    np.testing.assert_allclose(again[:, :4], context, atol=1e-5)
    np.testing.assert_allclose(more[..., :4, :4], weights, atol=1e-5)
    assert (more[..., 4:, :] == 0).all()
    assert (more[..., 4:] == 0).all()
    assert (again[:, 4:] == 0).all()
    for b in (0, 3):
        for sums in weights[b].sum(axis=-1):  # of each head
            np.testing.assert_allclose(sums, MASK[b], atol=1e-6)


def test_a_region_with_nothing_to_attend_to_stays_as_it_is(regions):
    layer = SelfAttentionContextualizer(exclude_self=True)
    context, weights = contextualize(layer, regions, MASK)
    assert (weights[1:3] == 0).all()
    np.testing.assert_array_equal(context[1, 1], regions[1, 1])
    assert (context[2] == 0).all()


def test_equal_regions_are_doubled():
    regions = np.ones((2, 3, 4), "float32") * [[[1.0]], [[-2.0]]]
    context, weights = contextualize(
        SelfAttentionContextualizer(), regions.astype("float32")
    )
    np.testing.assert_allclose(weights, 1 / 3, atol=1e-6)
    np.testing.assert_allclose(context, 2 * regions, atol=1e-5)


def test_takes_the_mask_attached_to_regions(regions):
    regions[:, -1] = 0.0
    _, weights = SelfAttentionContextualizer()(keras.layers.Masking()(regions))
    assert (ops.convert_to_numpy(weights)[..., -1] == 0).all()


def test_long_vectors_are_safe_in_float16():
    regions = np.full((1, 3, 64), 200.0, "float16")
    layer = SelfAttentionContextualizer(dtype="mixed_float16")
    context, weights = contextualize(layer, regions)
    assert weights.dtype == "float32"
    np.testing.assert_allclose(weights, 1 / 3, atol=1e-3)
    np.testing.assert_allclose(context, 400.0, rtol=1e-2)


def test_parameters_are_two_projections_or_none():
    for attention_dim, expected in [(None, 0), (6, 2 * 5 * 6)]:
        layer = SelfAttentionContextualizer(attention_dim, name="context")
        layer.build((None, 4, 5))
        assert layer.count_params() == expected
    assert [w.path for w in layer.weights] == [
        "context/query_dense/kernel",
        "context/key_dense/kernel",
    ]


def test_rejects_what_it_cannot_attend_to(regions):
    with pytest.raises(ValueError, match="must divide.*num_heads=4"):
        SelfAttentionContextualizer(6, num_heads=4)
    with pytest.raises(ValueError, match="must divide.*attention_dim=None"):
        SelfAttentionContextualizer(num_heads=2)
    with pytest.raises(ValueError, match="`attention_dim` must.* Received: 0"):
        SelfAttentionContextualizer(0)
    with pytest.raises(ValueError, match="flatten a CNN grid first"):
        SelfAttentionContextualizer()(regions[:, None])
    with pytest.raises(ValueError, match=r"`regions_mask` must.*\(4, 1\)"):
        SelfAttentionContextualizer()(regions, regions_mask=MASK[:, :1])
