"""Answers a stream of questions: threads decode ahead of the graph."""

import collections
import concurrent.futures
import itertools
import operator
import os
from collections.abc import Iterable
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from keras import ops

from vqa_keras.datasets.asked_questions import AskedQuestion
from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.errors import UserError
from vqa_keras.images import PILLOW_ERRORS
from vqa_keras.images import UnreadableImage
from vqa_keras.models import VQA
from vqa_keras.runs.run import preprocessor_of
from vqa_keras.runs.thresholds import name_answers
from vqa_keras.writing.image_reader import ImageReader

BATCH_SIZE = 32
TOP_K = 5
_MAX_THREADS = 8  # Each holds an image: 1.2 GB for the largest.


class AnsweredQuestion(NamedTuple):
    """The answers to a question, or why its image has none.

    Args:
        asked: the question.
        answers: the K best answers, best first; "" below the threshold.
        probabilities: of these answers.
        error: the reason of an unreadable image, such as "truncated".
    """

    asked: AskedQuestion
    answers: list[str]
    probabilities: list[float]
    error: str | None = None


class _Read(NamedTuple):
    """A question, and its image at the size of the CNN or the reason why not.

    Args:
        asked: the question.
        image: uint8 `(H, W, 3)`, or a reason.
    """

    asked: AskedQuestion
    image: np.ndarray | str


def answer_many(
    task: VQA,
    questions: Iterable[AskedQuestion],
    folder: str | os.PathLike[str],
    top_k: int = TOP_K,
    threshold: float = 0.0,
    batch_size: int = BATCH_SIZE,
) -> Iterator[list[AnsweredQuestion]]:
    """Yields the answers of each batch of questions, in their order.

    All batches have one size, for which the graph is compiled once. Threads
    decode the images of the next batches while it computes. An image that
    consecutive questions share is decoded once. Memory is constant in the
    number of questions about different images.

    Args:
        task: a `VQA` with an image encoder.
        questions: what to answer.
        folder: the folder that the paths of the images are below.
        top_k: number K of answers, at most those of the task.
        threshold: an answer with a lower probability is "".
        batch_size: questions per call of the graph.

    Raises:
        ValueError: if the task has no image encoder.
        UserError: if a probability is not finite.
    """
    preprocessor = preprocessor_of(task)
    size = preprocessor.image_size
    if size is None:
        raise ValueError("`task` must have an image encoder. Received: none")
    reader = ImageReader(folder, store_images=False, size=size)
    answerer = task.answerer(top_k)
    with_images = _read_ahead(reader, questions, 2 * batch_size)
    while batch := list(itertools.islice(with_images, batch_size)):
        texts = [read.asked.question for read in batch]
        texts += [""] * (batch_size - len(batch))
        pixels = np.zeros((batch_size, *size, 3), "uint8")
        for row, read in enumerate(batch):
            if isinstance(read.image, np.ndarray):
                pixels[row] = read.image
        token_ids = preprocessor.tokenizer(texts)
        outputs = answerer({"images": pixels, "token_ids": token_ids})
        best = np.asarray(ops.convert_to_numpy(outputs["answers"]))
        probabilities = np.asarray(
            ops.convert_to_numpy(outputs["probabilities"])
        )
        _check_finite(probabilities)
        answers = name_answers(
            preprocessor.answers, best, probabilities, threshold
        )
        yield [
            AnsweredQuestion(read.asked, [], [], read.image)
            if isinstance(read.image, str)
            else AnsweredQuestion(
                read.asked, answers[row].tolist(), probabilities[row].tolist()
            )
            for row, read in enumerate(batch)
        ]


def _check_finite(probabilities: np.ndarray) -> None:
    wrong = probabilities[~np.isfinite(probabilities)]
    if wrong.size:
        raise UserError(
            f"The run must give finite probabilities. Received: {wrong[0]}"
        )


def _read_ahead(
    reader: ImageReader, questions: Iterable[AskedQuestion], ahead: int
) -> Iterator[_Read]:
    """Yields the questions with their images; reads `ahead` images before."""
    threads = min(_MAX_THREADS, os.cpu_count() or 1)
    pool = concurrent.futures.ThreadPoolExecutor(threads)
    waiting = collections.deque()
    groups = itertools.groupby(questions, operator.attrgetter("image"))
    try:
        for path, group in groups:
            waiting.append((list(group), pool.submit(_read, reader, path)))
            if len(waiting) > ahead:
                yield from _read_of(*waiting.popleft())
        while waiting:
            yield from _read_of(*waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _read_of(
    group: list[AskedQuestion],
    reading: concurrent.futures.Future[np.ndarray | str],
) -> Iterator[_Read]:
    image = reading.result()
    return (_Read(asked, image) for asked in group)


def _read(reader: ImageReader, path: str) -> np.ndarray | str:
    try:
        return reader.read(ImageQuestions(path, path)).pixels
    except UnreadableImage as error:
        return error.reason
    except PILLOW_ERRORS:  # One image must not end the work on all others.
        return "damaged"
