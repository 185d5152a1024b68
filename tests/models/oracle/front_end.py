"""The parts that all mechanisms share: question, regions, answer."""

from typing import NamedTuple

import numpy as np

from tests.models.oracle.weights import relu
from tests.models.oracle.weights import softmax
from tests.models.oracle.weights import unit


class Encoded(NamedTuple):
    """One question and its image, for a mechanism.

    Attributes:
        question: `(D,)`.
        words: `(N, D)`, all real.
        projected: `(M, D)`, regions before their context.
        regions: `(M, D)`, all real.
        cells: `(M,)`, the place of each region among all, padding included.
    """

    question: np.ndarray
    words: np.ndarray
    projected: np.ndarray
    regions: np.ndarray
    cells: np.ndarray


class Oracle:
    """Base class: the two encoders and the head.

        question, words = BiLSTM(embeddings)
        projected       = activation(W_I f + b_I)
        regions         = contextualizer(projected)
        logits          = W_A relu(W_F fuse(encoded) + b_F) + b_A

    Args:
        w: `Weights`.
        contextualizer: optional `f(w, name, regions)`, below.
        normalize_regions: bool, whether features are brought to length 1.
        **formula: replaces attributes of the class: what a mechanism computes
            but its weights do not show.
    """

    activation = staticmethod(lambda x: x)
    bidirectional = True
    hidden_layer = True  # of the head

    def __init__(
        self, w, contextualizer=None, normalize_regions=False, **formula
    ):
        self.w = w
        self.contextualizer = contextualizer
        self.normalize_regions = normalize_regions
        for name, value in formula.items():
            assert hasattr(type(self), name), name
            setattr(self, name, value)

    def answer(self, record):
        """Returns logits and attention of one question, without padding."""
        question, words = self.read(record["token_ids"])
        projected, attention = self.see(question, record)
        regions, context = self.context(projected)
        fused, weights = self.fuse(
            Encoded(question, words, projected, regions, record.get("cells"))
        )
        if self.hidden_layer:
            fused = relu(self.w.dense("hidden_dense", fused))
        logits = self.w.dense("answer_dense", fused)
        return logits, attention | context | weights

    def read(self, token_ids):
        name = "question_encoder"
        embedded = self.w(f"{name}/word_embedding/embeddings")[token_ids]
        words = self.w.lstm(f"{name}/forward_lstm", embedded)
        question = words[-1:].sum(axis=0)  # the last; zeros if there is none
        if self.bidirectional:
            backward = self.w.lstm(f"{name}/backward_lstm", embedded[::-1])
            question = np.append(question, backward[-1:].sum(axis=0))
            words = np.hstack([words, backward[::-1]])
        return question, words

    def features(self, record):
        regions = record["regions"]
        return unit(regions) if self.normalize_regions else regions

    def see(self, question, record):
        regions = self.w.dense(
            "region_encoder/regions_dense", self.features(record)
        )
        return self.activation(regions), {}

    def context(self, regions):
        if self.contextualizer is None:
            return regions, {}
        return self.contextualizer(self.w, "context", regions)

    def fuse(self, encoded):
        """Returns the fused vector, and `{name: weights}`."""
        raise NotImplementedError


def self_attention(w, name, regions, projected=False, num_heads=1):
    """v_i + sum_j p_ij v_j, p the mean of the heads' softmaxes."""
    query = key = regions
    if projected:
        query = w.dense(f"{name}/query_dense", regions)
        key = w.dense(f"{name}/key_dense", regions)
    query, key = split(query, num_heads), split(key, num_heads)
    weights = attend(query, key)  # (H, M, M)
    regions = regions + weights.mean(axis=0) @ regions
    return regions, {"regions_to_regions_context": weights}


def bilstm(w, name, regions, num_layers=1, sum_directions=False):
    """Two LSTMs over the regions, their states side by side or added."""
    for layer in range(1, num_layers + 1):
        forward = w.lstm(f"{name}/forward_lstm_{layer}", regions)
        backward = w.lstm(f"{name}/backward_lstm_{layer}", regions[::-1])[::-1]
        if sum_directions:
            regions = forward + backward
        else:
            regions = np.hstack([forward, backward])
    return regions, {}


def split(vectors, num_heads):
    """`(P, D)` to `(H, P, D / H)`, a head after the other."""
    return np.stack(np.split(vectors, num_heads, axis=1))


def attend(query, key):
    """Scaled dot-product weights of every head, `(H, P, M)`."""
    scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
    return softmax(scores)


def questions(batch):
    """Yields each question of a batch alone, in float64 without padding."""
    for row in range(len(batch["token_ids"])):
        record = {name: values[row] for name, values in batch.items()}
        token_ids = record["token_ids"]
        question = {"token_ids": token_ids[token_ids > 0]}
        if "regions" in record:
            cells = np.flatnonzero(record["regions_mask"])
            regions = record["regions"][cells].astype("float64")
            yield question | {"regions": regions, "cells": cells}
        else:
            grids = [n for n in sorted(record) if n.startswith("grid_")]
            grids = [record[name].astype("float64") for name in grids]
            yield question | {"grids": grids}
