"""Mechanisms of several heads, stacked in layers."""

import numpy as np

from tests.models.oracle.front_end import Oracle
from tests.models.oracle.front_end import attend
from tests.models.oracle.front_end import split
from tests.models.oracle.image_attention import Pyramid
from tests.models.oracle.weights import mean
from tests.models.oracle.weights import relu
from tests.models.oracle.weights import sigmoid
from tests.models.oracle.weights import softmax
from tests.models.oracle.weights import standardize


def join(vectors):
    """`(H, P, d)` to `(P, H d)`, the reverse of `split`."""
    return np.hstack(list(vectors))


class DenseSymmetric(Pyramid):
    """Nguyen and Okatani, 2018: dense co-attention."""

    num_layers = 3
    num_null_slots = 3

    def fuse(self, encoded):
        words, regions, attention = encoded.words, encoded.regions, {}
        for l in range(1, self.num_layers + 1):
            words, regions, weights = self.layer(l, words, regions)
            attention[f"words_to_regions_{l}"] = weights[0]
            attention[f"regions_to_words_{l}"] = weights[1]
        question, of_words = self.summary("words", words)
        image, of_regions = self.summary("regions", regions)
        attention |= {"regions_1": of_regions, "words_1": of_words}
        return question + image, attention

    def layer(self, l, words, regions):
        name = f"co_attention_{l}"
        all_words, all_regions = words, regions
        if self.num_null_slots:
            slots = self.w(f"{name}/words_null_slots")
            all_words = np.vstack([words, slots])
            slots = self.w(f"{name}/regions_null_slots")
            all_regions = np.vstack([regions, slots])
        of_words = split(
            self.w.dense(f"{name}/words_dense", all_words), self.num_heads
        )
        of_regions = split(
            self.w.dense(f"{name}/regions_dense", all_regions), self.num_heads
        )
        n, m = len(words), len(regions)
        to_regions = attend(of_words, of_regions).mean(axis=0)[:n]
        to_words = attend(of_regions, of_words).mean(axis=0)[:m]
        new_words = np.hstack([words, to_regions @ all_regions])
        new_regions = np.hstack([regions, to_words @ all_words])
        words = words + relu(
            self.w.dense(f"{name}/words_fusion_dense", new_words)
        )
        regions = regions + relu(
            self.w.dense(f"{name}/regions_fusion_dense", new_regions)
        )
        return words, regions, (to_regions[:, :m], to_words[:, :n])

    def summary(self, side, vectors):
        hidden = relu(self.w.dense(f"{side}_summary/hidden_dense", vectors))
        scores = self.w.dense(f"{side}_summary/score_dense", hidden)  # (P, G)
        weights = softmax(scores.T).mean(axis=0)
        return weights @ vectors, weights


class IntraInter(Oracle):
    """Gao et al., 2019: DFAF."""

    num_blocks = 1
    num_heads = 8

    def fuse(self, encoded):
        words, regions, attention = encoded.words, encoded.regions, {}
        for b in range(1, self.num_blocks + 1):
            words, regions, inter = self.inter(b, words, regions)
            words, regions, intra = self.intra(b, words, regions)
            attention[f"words_to_regions_{b}"] = inter[0]
            attention[f"regions_to_words_{b}"] = inter[1]
            attention[f"words_to_words_{b}"] = intra[0]
            attention[f"regions_to_regions_{b}"] = intra[1]
        return mean(words) * mean(regions), attention

    def maps(self, name, vectors, gate=1.0):
        """Query, key and value in heads; the gate is on the first two."""
        query, key, value = (
            self.w.dense(f"{name}_{part}", vectors)
            for part in ("query", "key", "value")
        )
        return (
            split(x, self.num_heads) for x in (gate * query, gate * key, value)
        )

    def inter(self, b, words, regions):
        name = f"inter_modality_attention_{b}"
        query_w, key_w, value_w = self.maps(f"{name}/words", words)
        query_r, key_r, value_r = self.maps(f"{name}/regions", regions)
        to_regions, to_words = attend(query_w, key_r), attend(query_r, key_w)
        words = np.hstack([words, join(to_regions @ value_r)])
        regions = np.hstack([regions, join(to_words @ value_w)])
        return (
            self.w.dense(f"{name}/words_dense", words),
            self.w.dense(f"{name}/regions_dense", regions),
            (to_regions, to_words),
        )

    def intra(self, b, words, regions):
        new, weights = {}, []
        for side, own, other in [
            ("words", words, regions),
            ("regions", regions, words),
        ]:
            name = f"intra_modality_attention_{b}/{side}"
            gate = 1 + sigmoid(self.w.dense(f"{name}_gate", mean(other)))
            query, key, value = self.maps(name, own, gate)
            weights.append(attend(query, key))
            found = own + join(weights[-1] @ value)
            new[side] = self.w.dense(f"{name}_dense", found)
        return new["words"], new["regions"], weights


class Transformer(Oracle):
    """Yu et al., 2019: MCAN, encoder-decoder."""

    bidirectional = False
    num_layers = 6
    num_heads = 8
    position_grid = None

    def fuse(self, encoded):
        words, regions, attention = encoded.words, encoded.regions, {}
        if self.position_grid is not None:
            regions = standardize(regions) + self.positions(encoded)
        for l in range(1, self.num_layers + 1):
            name = f"encoder_block_{l}"
            words, attention[f"words_to_words_{l}"] = self.attention(
                f"{name}/self_attention", words, words
            )
            words = self.feed_forward(name, words)
        for l in range(1, self.num_layers + 1):
            name = f"decoder_block_{l}"
            regions, attention[f"regions_to_regions_{l}"] = self.attention(
                f"{name}/self_attention", regions, regions
            )
            regions, attention[f"regions_to_words_{l}"] = self.attention(
                f"{name}/cross_attention", regions, words
            )
            regions = self.feed_forward(name, regions)
        question, attention["words_1"] = self.pool("words_pooling", words)
        image, attention["regions_1"] = self.pool("regions_pooling", regions)
        return self.w.norm("fused_norm", question + image), attention

    def positions(self, encoded):
        quarter = encoded.regions.shape[-1] // 4
        places = np.divmod(encoded.cells, self.position_grid[1])
        encodings = np.zeros(encoded.regions.shape)
        for half, place in enumerate(places):  # the row, then the column
            for i in range(quarter):
                angle = place / 10000 ** (i / quarter)
                unit = 2 * (half * quarter + i)
                encodings[:, unit] = np.sin(angle)
                encodings[:, unit + 1] = np.cos(angle)
        return encodings

    def attention(self, name, asking, answering):
        """A residual sublayer: `(P, D)` and its weights."""
        query = self.w.dense(f"{name}/query_dense", asking)
        key, value = (
            self.w.dense(f"{name}/{part}_dense", answering)
            for part in ("key", "value")
        )
        query, key, value = (
            split(x, self.num_heads) for x in (query, key, value)
        )
        weights = attend(query, key)
        found = self.w.dense(f"{name}/output_dense", join(weights @ value))
        if not len(answering):
            found = np.zeros(asking.shape)  # not the bias
        return self.w.norm(f"{name}_norm", asking + found), weights

    def feed_forward(self, name, x):
        hidden = relu(self.w.dense(f"{name}/intermediate_dense", x))
        found = self.w.dense(f"{name}/output_dense", hidden)
        return self.w.norm(f"{name}/output_norm", x + found)

    def pool(self, name, vectors):
        hidden = relu(self.w.dense(f"{name}/hidden_dense", vectors))
        weights = softmax(self.w.dense(f"{name}/score_dense", hidden)[:, 0])
        pooled = self.w.dense(f"{name}/output_dense", weights @ vectors)
        return pooled * (len(vectors) > 0), weights  # not the bias
