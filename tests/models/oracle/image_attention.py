"""Mechanisms in which the question attends to the image, not the reverse."""

import numpy as np

from tests.models.oracle.front_end import Oracle
from tests.models.oracle.front_end import bilstm
from tests.models.oracle.weights import mean
from tests.models.oracle.weights import relu
from tests.models.oracle.weights import sigmoid
from tests.models.oracle.weights import softmax
from tests.models.oracle.weights import unit


def hop(w, name, query, vectors):
    """Yang et al.'s hop: glimpses `(G, D)` and their weights `(G, M)`."""
    hidden = np.tanh(
        w.dense(f"{name}/regions_dense", vectors)
        + w.dense(f"{name}/question_dense", query)
    )
    weights = softmax(w.dense(f"{name}/score_dense", hidden).T)
    return weights @ vectors, weights


class Vanilla(Oracle):
    """Antol et al., 2015."""

    normalize_image = True

    def see(self, question, record):
        if self.contextualizer is None:
            return self.features(record), {}
        return super().see(question, record)

    def fuse(self, encoded):
        image = mean(encoded.regions)
        if self.normalize_image:
            image = unit(image)
        return product(self.w, "fusion", encoded.question, image, np.tanh), {}


class QuestionOnly(Vanilla):
    """Antol et al., 2015: LSTM Q."""

    def fuse(self, encoded):
        return encoded.question, {}


def product(w, name, question, image, activation=lambda x: x):
    return activation(w.dense(f"{name}/question_dense", question)) * activation(
        w.dense(f"{name}/image_dense", image)
    )


class Cosine(Oracle):
    """The article's first hop; Luong et al., 2015."""

    normalize = False
    temperature = 10.0

    def fuse(self, encoded):
        question, regions = encoded.question, encoded.regions
        scores = regions @ question
        if self.normalize:
            scores = self.temperature * unit(regions) @ unit(question)
        weights = softmax(scores)
        return question + weights @ regions, {"regions_1": weights}


class Parametric(Oracle):
    """Yang et al., 2016, one hop; Kazemi and Elqursh, 2017, glimpses."""

    num_glimpses = 1

    def fuse(self, encoded):
        found, weights = hop(
            self.w, "parametric_attention", encoded.question, encoded.regions
        )
        if self.num_glimpses == 1:
            return encoded.question + found[0], {"regions_1": weights[0]}
        found = self.w.dense("glimpses_dense", found.ravel())
        return encoded.question + found, {"regions_1": weights}


class Stacked(Oracle):
    """Yang et al., 2016."""

    activation = staticmethod(np.tanh)
    num_hops = 2
    share_weights = False

    def fuse(self, encoded):
        query, attention = encoded.question, {}
        for j in range(1, self.num_hops + 1):
            name = "hop" if self.share_weights else f"hop_{j}"
            found, weights = hop(
                self.w, f"stacked_attention/{name}", query, encoded.regions
            )
            query = query + found[0]
            attention[f"regions_{j}"] = weights[0]
        return query, attention


class Channel(Oracle):
    """The article's attention to channels, then a hop."""

    def fuse(self, encoded):
        question, regions = encoded.question, encoded.regions
        beta = softmax(question * mean(regions))
        beta = beta * (len(regions) > 0)
        found, weights = hop(
            self.w,
            "parametric_attention",
            question,
            len(question) * beta * regions,
        )
        return question + found[0], {
            "channels_1": beta,
            "regions_1": weights[0],
        }


class SpatialChannel(Oracle):
    """Chen et al., 2017: SCA-CNN."""

    activation = staticmethod(relu)
    num_layers = 2
    channel_first = True
    normalize_image = True

    def fuse(self, encoded):
        question, x, attention = encoded.question, encoded.regions, {}
        for l in range(1, self.num_layers + 1):
            if self.channel_first:
                filtered, beta = self.channel(l, question, x)
                filtered, alpha = self.spatial(l, question, filtered)
            else:
                filtered, alpha = self.spatial(l, question, x)
                filtered, beta = self.channel(l, question, filtered)
            attention |= {f"channels_{l}": beta, f"regions_{l}": alpha}
            if l < self.num_layers:
                x = relu(x + self.w.dense(f"residual_dense_{l}", filtered))
        image = mean(filtered)
        if self.normalize_image:
            image = unit(image)
        return question + self.w.dense("image_dense", image), attention

    def channel(self, l, question, x):
        name = f"spatial_channel_attention_{l}/channel"
        _, weights = hop(self.w, name, question, mean(x)[:, None])
        beta = weights[0] * (len(x) > 0)
        return len(beta) * beta * x, beta

    def spatial(self, l, question, x):
        name = f"spatial_channel_attention_{l}/spatial"
        _, weights = hop(self.w, name, question, x)
        alpha = weights[0]
        return len(alpha) * alpha[:, None] * x, alpha


class Pyramid(Oracle):
    """Nguyen and Okatani, 2018: CNN layers weighted by the question."""

    use_content = False
    num_heads = 1

    def __init__(self, *arguments, normalize_regions=True, **formula):
        super().__init__(
            *arguments, normalize_regions=normalize_regions, **formula
        )

    def see(self, question, record):
        w, name = self.w, "cnn_layer_attention"
        size = np.min([grid.shape[:2] for grid in record["grids"]], axis=0)
        layers = np.stack(
            [
                w.dense(f"{name}/grid_{l}_dense", max_pool(grid, size))
                for l, grid in enumerate(record["grids"], 1)
            ]
        )  # (L, M, D)
        if self.normalize_regions:
            layers = unit(layers)
        hidden = w.dense(f"{name}/question_dense", question)
        if self.use_content:
            hidden = hidden + w.dense(f"{name}/regions_dense", layers)
            scores = w.dense(f"{name}/score_dense", np.tanh(hidden))
            scores = scores.mean(axis=1).T  # (heads, L)
        else:
            scores = w.dense(f"{name}/score_dense", relu(hidden))
            scores = scores.reshape(self.num_heads, len(layers))
        weights = softmax(scores).mean(axis=0)
        regions = np.tensordot(weights, layers, 1)
        return regions, {"cnn_layers_1": weights}


def max_pool(grid, size):
    """`(h, w, C)` to the cells of a grid of `size`, in raster order."""
    (h, w), channels = size, grid.shape[-1]
    blocks = grid.reshape(h, len(grid) // h, w, -1, channels)
    return blocks.max(axis=(1, 3)).reshape(h * w, channels)


class CNNLayer(Pyramid):
    """The article's attention to CNN layers, then a hop."""

    use_content = True
    fuse = Parametric.fuse
    num_glimpses = 1


class Multilevel(Oracle):
    """Yu et al., 2017: MLAN."""

    activation = staticmethod(np.tanh)

    def context(self, regions):
        if self.contextualizer is None:
            name = "bilstm_contextualizer"
            return bilstm(self.w, name, regions, sum_directions=True)
        return super().context(regions)

    def fuse(self, encoded):
        w, question = self.w, encoded.question
        found = w.dense("concept_detector/regions_dense", encoded.projected)
        # Without a region no concept is present, and none has a weight.
        presence = sigmoid(found).max(axis=0, initial=0)
        concepts, of_concepts = self.semantic(question, presence)
        found, of_regions = hop(
            w, "parametric_attention", question, encoded.regions
        )
        fused = np.append(
            product(w, "concepts_fusion", question, concepts),
            product(w, "regions_fusion", question, found[0]),
        )
        attention = {"regions_1": of_regions[0], "concepts_1": of_concepts}
        return np.tanh(fused), attention

    def semantic(self, question, presence):
        w, name = self.w, "semantic_attention"
        concepts = w("concept_detector/embeddings")
        concepts = np.tanh(w.dense(f"{name}/embedding_dense", concepts))
        hidden = np.tanh(
            w.dense(f"{name}/concepts_dense", concepts)
            + w.dense(f"{name}/question_dense", question)
        )
        scores = w.dense(f"{name}/score_dense", hidden)[:, 0]
        weights = softmax(scores + np.log(presence + 1e-7)) * (presence > 0)
        return weights @ concepts, weights
