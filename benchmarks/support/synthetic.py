"""Generates images with random features and ten questions each."""

import numpy as np

from vqa_keras.data.image_record import ImageRecord
from vqa_keras.data.image_record import QuestionRecord

GRID = (8, 8, 128)
QUESTIONS = 10
WORDS = 8  # per question
ANSWERS = 100
VOCABULARY = 1000


def images(count):
    """Yields `vqa_keras.data.image_record.ImageRecord`.

    Args:
        count: int, number of images.
    """
    rng = np.random.default_rng(0)
    for number in range(count):
        yield ImageRecord(
            image_id=f"image-{number}",
            image=None,
            image_size=(64, 64),
            features={"grid": rng.normal(size=GRID).astype("float16")},
            boxes=None,
            questions=[_question(number, i, rng) for i in range(QUESTIONS)],
        )


def _question(number, i, rng):
    answer_id = int(rng.integers(ANSWERS))
    return QuestionRecord(
        question_id=f"{number}-{i}",
        question=" ".join(["word"] * WORDS),
        question_type="what",
        answer_type="other",
        answer=f"answer {answer_id}",
        answer_id=answer_id,
        all_answers=[f"answer {answer_id}"],
        token_ids=rng.integers(2, VOCABULARY, WORDS).tolist(),
        scores={answer_id: 1.0},
        object_boxes=[],
        complementary_id="",
    )
