"""Mechanisms in which question and image attend to each other."""

import numpy as np

from tests.models.oracle.front_end import Oracle
from tests.models.oracle.image_attention import hop
from tests.models.oracle.weights import mean
from tests.models.oracle.weights import softmax


class Independent(Oracle):
    """The article's two streams, each conditioned by the other."""

    layer = "independent_co_attention"
    num_hops = 1

    def conditions(self, question, image):
        return image, question

    def hops(self, j, for_words, for_regions, encoded):
        name = f"{self.layer}/words_{j}"
        of_words, words = hop(self.w, name, for_words, encoded.words)
        name = f"{self.layer}/regions_{j}"
        of_regions, regions = hop(self.w, name, for_regions, encoded.regions)
        weights = {f"words_{j}": words[0], f"regions_{j}": regions[0]}
        return of_words[0], of_regions[0], weights

    def fuse(self, encoded):
        question, image = encoded.question, mean(encoded.regions)
        attention = {}
        for j in range(1, self.num_hops + 1):
            of_words, of_regions, weights = self.hops(
                j, *self.conditions(question, image), encoded
            )
            question, image = question + of_words, image + of_regions
            attention |= weights
        return question + image, attention


class JointlyConditioned(Independent):
    """The article's streams under one condition, their sum or a memory."""

    layer = "jointly_conditioned_co_attention"
    use_product = False

    def conditions(self, question, image):
        return question + image, question + image

    def fuse(self, encoded):
        if not self.use_product:
            return super().fuse(encoded)
        memory = encoded.question * mean(encoded.regions)
        attention = {}
        for j in range(1, self.num_hops + 1):
            of_words, of_regions, weights = self.hops(
                j, memory, memory, encoded
            )
            memory = memory + of_words * of_regions
            attention |= weights
        return memory, attention


class Dual(Oracle):
    """Nam et al., 2017: r-DAN."""

    num_hops = 2

    def fuse(self, encoded):
        image = self.image(0, mean(encoded.regions))
        memory = mean(encoded.words) * image
        attention = {}
        for j in range(1, self.num_hops + 1):
            words = self.attend(f"words_{j}", memory, encoded.words)
            regions = self.attend(f"regions_{j}", memory, encoded.regions)
            image = self.image(j, regions @ encoded.regions)
            memory = memory + (words @ encoded.words) * image
            attention |= {f"words_{j}": words, f"regions_{j}": regions}
        return memory, attention

    def image(self, j, vector):
        return np.tanh(self.w.dense(f"dual_attention/image_dense_{j}", vector))

    def attend(self, name, memory, vectors):
        name = f"dual_attention/{name}"
        hidden = np.tanh(self.w.dense(f"{name}/regions_dense", vectors))
        gate = np.tanh(self.w.dense(f"{name}/memory_dense", memory))
        scores = self.w.dense(f"{name}/score_dense", hidden * gate)
        return softmax(scores[:, 0])


def parallel(w, name, words, regions, attention_dim, temperature=1.0):
    """Weights of words and regions from their affinity C, and C."""
    # The layer holds W_b transposed: it applies it to the regions.
    affinity = np.tanh(words @ w(f"{name}/affinity_dense/kernel").T @ regions.T)
    if attention_dim is None:  # C >= -1
        words = temperature * affinity.max(axis=1, initial=-1)
        regions = temperature * affinity.max(axis=0, initial=-1)
        return softmax(words), softmax(regions), affinity
    words = w.dense(f"{name}/words_dense", words)
    regions = w.dense(f"{name}/regions_dense", regions)
    of_words = np.tanh(words + affinity @ regions)
    of_regions = np.tanh(regions + affinity.T @ words)
    return (
        softmax(w.dense(f"{name}/words_score_dense", of_words)[:, 0]),
        softmax(w.dense(f"{name}/regions_score_dense", of_regions)[:, 0]),
        affinity,
    )


def alternating(w, name, words, regions):
    """Alternating co-attention: weights of words, regions and the start."""

    def attend(side, vectors, guide):
        hidden = w.dense(f"{name}/{side}_dense", vectors)
        if guide is not None:
            hidden = hidden + w.dense(f"{name}/{side}_guide_dense", guide)
        scores = w.dense(f"{name}/{side}_score_dense", np.tanh(hidden))
        return softmax(scores[:, 0])

    start = attend("start", words, None)
    of_regions = attend("regions", regions, start @ words)
    of_words = attend("words", words, of_regions @ regions)
    return of_words, of_regions, start


class Joint(Oracle):
    """Lu et al., 2016, parallel co-attention; the article's without layers."""

    attention_dim = 512
    temperature = 1.0

    def fuse(self, encoded):
        words, regions, affinity = parallel(
            self.w,
            "joint_co_attention",
            encoded.words,
            encoded.regions,
            self.attention_dim,
            self.temperature,
        )
        fused = words @ encoded.words + regions @ encoded.regions
        attention = {
            "regions_1": regions,
            "words_1": words,
            "affinity_1": affinity,
        }
        return fused, attention


class Hierarchical(Oracle):
    """Lu et al., 2016: co-attention to words, phrases and the question."""

    activation = staticmethod(np.tanh)
    alternating = False

    def read(self, token_ids):
        words = np.tanh(self.w("word_embedding/embeddings")[token_ids])
        phrases = self.phrases(words)
        states = self.w.lstm("question_lstm", phrases)
        return None, {"word": words, "phrase": phrases, "question": states}

    def phrases(self, words):
        """The maximum over one, two and three words at each word."""
        around = np.pad(words, [(1, 1), (0, 0)])  # a word is at n + 1
        grams = []
        for name, start, size in [
            ("unigram", 1, 1),
            ("bigram", 1, 2),
            ("trigram", 0, 3),
        ]:
            kernel = self.w(f"phrase_encoder/{name}/kernel")  # (size, D, D)
            gram = sum(
                around[start + i :][: len(words)] @ kernel[i]
                for i in range(size)
            )
            grams.append(gram + self.w(f"phrase_encoder/{name}/bias"))
        return np.tanh(np.max(grams, axis=0))

    def fuse(self, encoded):
        regions, fused, attention = encoded.regions, np.zeros(0), {}
        for level, words in encoded.words.items():
            name = f"{level}_co_attention"
            if self.alternating:
                third = "words_start"
                weights = alternating(self.w, name, words, regions)
            else:
                third = "affinity"
                weights = parallel(self.w, name, words, regions, 1)
            found = weights[0] @ words + weights[1] @ regions
            fused = np.tanh(
                self.w.dense(f"{level}_dense", np.append(found, fused))
            )
            attention[f"regions_{level}"] = weights[1]
            attention[f"words_{level}"] = weights[0]
            attention[f"{third}_{level}"] = weights[2]
        return fused, attention
