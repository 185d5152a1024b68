"""Generates a small data set of drawings in the official format of VQA v2.

    python examples/make_vqa_v2.py DIR [IMAGES]

Writes the files of the unpacked official archives for IMAGES drawings, 240 by
default, with six questions each: questions, annotations with ten answers,
complementary pairs, a test split without annotations, and the folders of COCO
images. The same set is written as train.jsonl, validation.jsonl and test.jsonl
too; either can be converted to records:

    python -m pipelines.write_records --dataset=vqa_v2 --input=DIR ...
    python -m pipelines.write_records --dataset=jsonl --input=DIR ...

The annotators are synthetic too: all give the true answer, except one or two
who spell it differently or guess. Nothing here imports vqa_keras; the files are
the same on every run.
"""

import json
import pathlib
import random
import sys

from PIL import Image
from PIL import ImageDraw

COLORS = {
    "red": (210, 40, 40),
    "green": (40, 160, 60),
    "blue": (40, 70, 200),
    "yellow": (230, 200, 50),
}
SHAPES = ("circle", "square")
SIZE = (96, 72)  # width and height
SUBTYPES = {"train": "train2014", "validation": "val2014", "test": "test2015"}
# Other spellings of an answer, which the official accuracy normalizes.
SPELLINGS = {"yes": "Yes.", "no": "no!", "1": "one", "2": "two"}


def main(arguments):
    """Writes the data set that the arguments name."""
    try:
        directory = pathlib.Path(arguments[0])
        images = int(arguments[1]) if arguments[1:] else 240
        if len(arguments) > 2 or images < 6:
            raise ValueError
    except (IndexError, ValueError):
        sys.exit(
            "The arguments must be DIR [IMAGES], IMAGES at least 6. Received: "
            f"{arguments}"
        )
    rng = random.Random(0)
    # Of six images, four are in the training split, one in each other split.
    splits = {"train": [], "validation": [], "test": []}
    for image_id in range(1, images + 1):
        split = ("validation", "test")[image_id % 6] if image_id % 6 < 2 else ""
        splits[split or "train"].append((image_id, _scene(rng)))
    for split, scenes in splits.items():
        folder = directory / SUBTYPES[split]
        folder.mkdir(parents=True, exist_ok=True)
        for image_id, scene in scenes:
            path = directory / _image_path(split, image_id)
            _draw(scene, rng).save(path, quality=92)
        questions = [
            {"image_id": image_id, **question}
            for image_id, scene in scenes
            for question in _questions(image_id, scene, rng)
        ]
        _write_official(directory, split, questions)
        _write_jsonl(directory, split, questions)
    counts = (f"{len(scenes)} {split}" for split, scenes in splits.items())
    print(f"{directory}: {', '.join(counts)} images with 6 questions each")


def _scene(rng):
    """Returns one or two objects: (shape, color, whether on the left)."""
    colors = rng.sample(list(COLORS), 2)
    left = rng.random() < 0.5
    objects = [(rng.choice(SHAPES), colors[0], left)]
    if rng.random() < 0.5:
        objects.append((rng.choice(SHAPES), colors[1], not left))
    return objects


def _draw(scene, rng):
    background = tuple(rng.randrange(225, 245) for _ in range(3))
    image = Image.new("RGB", SIZE, background)
    draw = ImageDraw.Draw(image)
    for shape, color, left in scene:
        side = rng.randrange(22, 30)
        x = rng.randrange(4, 14) + (0 if left else SIZE[0] // 2)
        y = rng.randrange(6, SIZE[1] - side - 6)
        fill = draw.ellipse if shape == "circle" else draw.rectangle
        fill((x, y, x + side, y + side), fill=COLORS[color])
    return image


def _questions(image_id, scene, rng):
    """Returns six questions about a scene, each with its true answer."""
    shapes = [shape for shape, _, _ in scene]
    shape, color, left = scene[0]
    side = "left" if left else "right"
    other = rng.choice(list(COLORS))
    questions = [
        (f"What shape is on the {side}?", "what shape is", shape),
        (f"What color is the {side} one?", "what color is the", color),
        ("How many objects are there?", "how many", str(len(scene))),
        ("Is there a circle?", "is there a", _yes("circle" in shapes)),
        ("Is there a square?", "is there a", _yes("square" in shapes)),
        (
            f"Is anything {other}?",
            "is anything",
            _yes(other in [color for _, color, _ in scene]),
        ),
    ]
    return [
        {
            "question_id": 1000 * image_id + i,
            "question": question,
            "question_type": question_type,
            "answer_type": _answer_type(answer),
            "answer": answer,
            "answers": _annotators(answer, rng),
        }
        for i, (question, question_type, answer) in enumerate(questions)
    ]


def _yes(condition):
    return "yes" if condition else "no"


def _answer_type(answer):
    if answer in ("yes", "no"):
        return "yes/no"
    return "number" if answer.isdigit() else "other"


def _annotators(answer, rng):
    guesses = [_answer_type(answer) == "yes/no" and "maybe" or "gray"]
    guesses = guesses[: rng.randrange(2)]
    spellings = [SPELLINGS.get(answer, f"a {answer}")]
    answers = [answer] * (10 - len(guesses) - 1) + spellings + guesses
    rng.shuffle(answers)
    return answers


def _pairs(questions):
    """Pairs questions of equal text and different answers."""
    unpaired, pairs = {}, []
    for question in questions:
        text, answer = question["question"], question["answer"]
        keys = [key for key in unpaired if key[0] == text and key[1] != answer]
        if keys:
            pairs.append([unpaired.pop(keys[0]), question["question_id"]])
        else:
            unpaired.setdefault((text, answer), question["question_id"])
    return pairs


def _write_official(directory, split, questions):
    subtype = SUBTYPES[split]
    head = {
        "info": {"description": "Made up by examples/make_vqa_v2.py"},
        "license": {"name": "none"},
        "data_type": "mscoco",
        "data_subtype": subtype,
    }
    rows = [
        {key: q[key] for key in ("image_id", "question", "question_id")}
        for q in questions
    ]
    name = f"v2_OpenEnded_mscoco_{subtype}_questions.json"
    content = {**head, "task_type": "Open-Ended", "questions": rows}
    (directory / name).write_text(json.dumps(content))
    if split == "test":  # The official answers are not published either.
        return
    annotations = [
        {
            "question_type": q["question_type"],
            "multiple_choice_answer": q["answer"],
            "answers": [
                {"answer": a, "answer_confidence": "yes", "answer_id": i}
                for i, a in enumerate(q["answers"], 1)
            ],
            "image_id": q["image_id"],
            "answer_type": q["answer_type"],
            "question_id": q["question_id"],
        }
        for q in questions
    ]
    name = f"v2_mscoco_{subtype}_annotations.json"
    content = {**head, "annotations": annotations}
    (directory / name).write_text(json.dumps(content))
    name = f"v2_mscoco_{subtype}_complementary_pairs.json"
    (directory / name).write_text(json.dumps(_pairs(questions)))


def _write_jsonl(directory, split, questions):
    paired = {}
    if split != "test":
        for first, second in _pairs(questions):
            paired.update({first: second, second: first})
    with open(directory / f"{split}.jsonl", "w", encoding="utf-8") as file:
        for question in questions:
            question_id = question["question_id"]
            line = {
                "question_id": question_id,
                "image_id": question["image_id"],
                "image": _image_path(split, question["image_id"]),
                "question": question["question"],
            }
            if split != "test":
                for key in ("question_type", "answer_type", "answers"):
                    line[key] = question[key]
            if question_id in paired:
                line["complementary_id"] = paired[question_id]
            file.write(f"{json.dumps(line)}\n")


def _image_path(split, image_id):
    subtype = SUBTYPES[split]
    return f"{subtype}/COCO_{subtype}_{image_id:012d}.jpg"


if __name__ == "__main__":
    main(sys.argv[1:])
