"""Computes the statistics of a folder of records: its data card."""

import collections
import functools
import math

import numpy as np

from vqa_keras.data import Records
from vqa_keras.data.training_answers import training_answers
from vqa_keras.metrics.baselines import baselines
from vqa_keras.text import ANSWER_RULES
from vqa_keras.text import split as split_words

TOP = 20  # values of a distribution that the card keeps
SAMPLES = 200  # images whose features are measured
_COUNTED = ("question_types", "answer_types", "answers")


def data_card(directory, on_image=None):
    """Reads all records once and returns their statistics.

    The training split of records without a file of training answers is read
    twice.

    Memory is constant in the number of images. Each distinct (question, answer)
    pair is stored once, plus 8 bytes per question.

    Args:
        directory: str or path, folder of records.
        on_image: function of each `ImageRecord` and its split. Defaults to
            None.

    Returns:
        Dict of JSON values:
            dataset, schema_version, stored_images, dropped, dropped_file,
            sequence_length: as in `dataset_info.json`.
            feature_source: features in `dataset_info.json`, or None.
            question_vocabulary, answer_vocabulary: int, numbers of words and
                classes.
            splits: `{split: figures}`, where figures are
                images, questions, shards, bytes: int.
                labeled: int, questions with an answer.
                question_types, answer_types, answers: `{"distinct": int,
                    "top": [[value, questions], ...]}`: the 20 most frequent
                    and, after them, those in the top of the first split.
                question_words: `{"min", "median", "p95", "max"}`, words per
                    question, and "cut", percentage of questions longer than
                    sequence_length; None without questions.
                in_vocabulary: percentage of labeled questions whose answer is
                    a class, or None.
                annotator_answers: percentage of all annotators' answers that
                    are a class, or None.
                baselines: see `vqa_keras.metrics.baselines`; None for "train",
                    and without answers here or a training split.
            features: `{level: figures}` of at most 200 evenly spaced images of
                the first split: shape, images, mean, std, min, max, zeros
                (percentage) and norm (mean L2 norm of a cell).

    Raises:
        UserError: if the records cannot be read.
    """
    records = Records(directory)
    info = records.info
    class_of = ANSWER_RULES[info.answer_rule]
    classes = set(map(class_of, records.answers))
    pairs_once = {}  # one object per distinct pair
    splits = {}
    features = collections.defaultdict(_Features)
    for number, (name, split) in enumerate(info.splits.items()):
        counts = _Split(info, classes, pairs_once)
        step = math.ceil(split.images / SAMPLES)
        images = records.images(name) if split.questions else ()
        for index, image in enumerate(images):
            counts.add(image)
            if on_image is not None:
                on_image(image, name)
            if number == 0 and index % step == 0:
                for level, values in image.features.items():
                    features[level].add(values)
        splits[name] = counts
    train = training_answers(records)
    shown = _top_of_first(splits.values())
    return {
        "dataset": info.dataset,
        "schema_version": info.schema_version,
        "feature_source": info.features and info.features.to_json(),
        "stored_images": info.stored_images,
        "dropped": info.dropped,
        "dropped_file": info.dropped_file,
        "sequence_length": info.sequence_length,
        "question_vocabulary": len(records.vocabulary),
        "answer_vocabulary": len(classes),
        "splits": {
            name: {
                "images": info.splits[name].images,
                "questions": info.splits[name].questions,
                "shards": len(info.splits[name].shards),
                "bytes": info.splits[name].bytes,
                **counts.figures(None if name == "train" else train, shown),
            }
            for name, counts in splits.items()
        },
        "features": {
            level: values.figures() for level, values in features.items()
        },
    }


class _Split:
    """Accumulates the statistics of a split's questions, image by image."""

    def __init__(self, info, classes, pairs_once):
        self._sequence_length = info.sequence_length
        self._class_of = functools.lru_cache(100_000)(
            ANSWER_RULES[info.answer_rule]
        )
        self._classes = classes
        self._pairs_once = pairs_once
        self.counters = {name: collections.Counter() for name in _COUNTED}
        self._lengths = collections.Counter()
        self._in_vocabulary = 0
        self._annotators = collections.Counter()  # True: the answer is a class
        self.pairs = []  # question text and answer of every question

    def add(self, image):
        for q in image.questions:
            self._lengths[len(split_words(q.question))] += 1
            self.counters["question_types"][q.question_type] += 1
            self.counters["answer_types"][q.answer_type] += 1
            pair = (q.question, q.answer)
            self.pairs.append(self._pairs_once.setdefault(pair, pair))
            if q.answer:
                self.counters["answers"][q.answer] += 1
                self._in_vocabulary += q.answer_id >= 0
            for answer in q.all_answers:
                self._annotators[self._class_of(answer) in self._classes] += 1

    def figures(self, train, shown):
        labeled = self.counters["answers"].total()
        return {
            "labeled": labeled,
            "question_words": self._words(),
            **{
                name: {
                    "distinct": len(counter),
                    "top": _top(counter, shown.get(name, ())),
                }
                for name, counter in self.counters.items()
            },
            "in_vocabulary": _percent(self._in_vocabulary, labeled),
            "annotator_answers": _percent(
                self._annotators[True], self._annotators.total()
            ),
            "baselines": baselines(train, self.pairs)
            if train and labeled
            else None,
        }

    def _words(self):
        if not self._lengths:
            return None
        cut = sum(
            count
            for length, count in self._lengths.items()
            if length > self._sequence_length
        )
        return {
            "min": min(self._lengths),
            "median": _quantile(self._lengths, 0.5),
            "p95": _quantile(self._lengths, 0.95),
            "max": max(self._lengths),
            "cut": _percent(cut, self._lengths.total()),
        }


class _Features:
    """Accumulates the statistics of a level's features, image by image."""

    def __init__(self):
        self._images = self._values = self._cells = self._zeros = 0
        self._sum = self._squares = self._norms = 0.0
        self._low, self._high = math.inf, -math.inf
        self._shapes = set()

    def add(self, features):
        values = np.asarray(features, np.float64)
        norms = np.linalg.norm(values, axis=-1)
        self._images += 1
        self._values += values.size
        self._cells += norms.size
        self._zeros += int((values == 0).sum())
        self._sum += values.sum()
        self._squares += (values**2).sum()
        self._norms += norms.sum()
        self._low = min(self._low, values.min(initial=math.inf))
        self._high = max(self._high, values.max(initial=-math.inf))
        self._shapes.add(values.shape)

    def figures(self):
        if not self._values:
            return {"images": self._images}
        mean = self._sum / self._values
        variance = max(0.0, self._squares / self._values - mean**2)
        return {
            "images": self._images,
            "shape": [
                sizes[0] if len(set(sizes)) == 1 else [min(sizes), max(sizes)]
                for sizes in zip(*self._shapes, strict=True)
            ],
            "mean": mean,
            "std": math.sqrt(variance),
            "min": float(self._low),
            "max": float(self._high),
            "zeros": 100 * self._zeros / self._values,
            "norm": self._norms / self._cells,
        }


def _top(counter, shown=()):
    """Returns the most frequent values, and those of `shown` that occur.

    They are in the order of their counts; ties are in alphabetical order.
    """
    pairs = sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))
    return [
        list(pair)
        for rank, pair in enumerate(pairs)
        if rank < TOP or pair[0] in shown
    ]


def _top_of_first(splits):
    """Returns the top values of the first split that has any, by counter."""
    shown = {}
    for split in splits:
        for name, counter in split.counters.items():
            if counter and name not in shown:
                shown[name] = {value for value, _ in _top(counter)}
    return shown


def _percent(part, whole):
    return 100 * part / whole if whole else None


def _quantile(counts, fraction):
    """Returns the smallest value that a fraction of all does not exceed."""
    threshold = fraction * counts.total()
    total = 0
    for value in sorted(counts):
        total += counts[value]
        if total >= threshold:
            return value
    return None
