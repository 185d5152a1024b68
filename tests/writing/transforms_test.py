import apache_beam as beam
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from PIL import Image

from vqa_keras.datasets.question import Dropped
from vqa_keras.datasets.question import ImageQuestions
from vqa_keras.datasets.question import Question
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.text.vocabulary import read_vocabulary
from vqa_keras.writing.record_maker import RecordOptions
from vqa_keras.writing.record_text import TextOptions
from vqa_keras.writing.record_text import Vocabularies
from vqa_keras.writing.shards import finished_shard
from vqa_keras.writing.transforms import BuildVocabularies
from vqa_keras.writing.transforms import WriteShards
from vqa_keras.writing.work_folder import WorkFolder

pytestmark = pytest.mark.beam


def image(number, *questions):
    return ImageQuestions(
        str(number),
        f"{number}.png",
        questions=[
            Question(f"{number}-{i}", text, answers=[answer])
            for i, (text, answer) in enumerate(questions)
        ],
    )


@pytest.fixture
def shards(tmp_path):
    """Names of three planned shards; the file of image 2 is missing."""
    images = [
        image(0, ("red hat", "no"), ("red cat", "yes")),
        image(1, ("red hat", "yes")),
        image(2, ("old hat", "yes")),
    ]
    for number in (0, 1):
        pixels = np.full((4, 4, 3), number, "uint8")
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    with QuestionTable(tmp_path / "questions.sqlite") as table:
        for one in images:
            table.add_image("train", one.image_id, one.path)
            for question in one.questions:
                table.add_question("train", one.image_id, question)
        table.finish()
        return WorkFolder(tmp_path).write_plans(table, {"train": [1, 1, 1]})[
            "train"
        ]


def run(build):
    pipeline = beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"]))
    build(pipeline)
    result = pipeline.run()
    result.wait_until_finish()
    counters = result.metrics().query()["counters"]
    return {c.key.metric.name: c.committed for c in counters}


def write(shards, output):
    vocabularies = Vocabularies(["[PAD]", "[UNK]", "hat"], ["yes"], 1)
    options = RecordOptions("jsonl", str(output), batch_size=2)
    return run(
        lambda pipeline: (
            pipeline
            | beam.Create(shards)
            | WriteShards(output, options, "fingerprint", vocabularies)
        )
    )


def test_vocabularies_are_ordered_by_counts_over_all_shards(shards, tmp_path):
    run(
        lambda pipeline: (
            pipeline
            | beam.Create(shards)
            | BuildVocabularies(tmp_path, TextOptions())
        )
    )
    words = read_vocabulary(tmp_path / "question_vocabulary.txt")
    assert words == ["[PAD]", "[UNK]", "hat", "red", "cat", "old"]
    assert read_vocabulary(tmp_path / "answer_vocabulary.txt") == ["yes", "no"]
    assert WorkFolder(tmp_path).sequence_length() == 2


def test_counters_count_kept_dropped_and_cut_items(shards, tmp_path):
    counters = write(shards, tmp_path)
    assert counters["kept_images"] == 2
    assert counters["kept_questions"] == 3
    assert counters["dropped_missing_file"] == 1
    assert counters["cut_questions"] == 3
    report = WorkFolder(tmp_path).report(shards[2])
    assert report.dropped == [
        Dropped(
            split="train",
            item="image",
            id="2",
            file="2.png",
            reason="missing_file",
            questions=1,
            question_ids=["2-0"],
        )
    ]


def test_finished_shards_are_kept_without_being_written(shards, tmp_path):
    write(shards, tmp_path)
    entries = [finished_shard(tmp_path / s, "fingerprint") for s in shards]
    (tmp_path / shards[1]).write_bytes(b"torn")
    counters = write(shards, tmp_path)
    assert counters["shards_finished_before"] == 2
    assert counters["kept_images"] == 2
    again = [finished_shard(tmp_path / s, "fingerprint") for s in shards]
    assert again == entries
    assert WorkFolder(tmp_path).done() == 3
    assert WorkFolder(tmp_path).done_before() == 2
