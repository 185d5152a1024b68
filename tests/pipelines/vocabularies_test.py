"""Records with the vocabularies of a trained model."""

import json
import pathlib
import runpy

import pytest
import tensorflow as tf
from PIL import Image

from tests.fixtures.in_process import run_main
from vqa_keras.data import Records
from vqa_keras.errors import UserError
from vqa_keras.text import QuestionTokenizer
from vqa_keras.writing.text_options import ModelVocabularies
from vqa_keras.writing.text_options import TextOptions

pytestmark = pytest.mark.beam

ROOT = pathlib.Path(__file__).parents[2]
NO_CNN = {"image_encoder": "none"}
# In another order than counting gives, with words and answers of its own.
WORDS = "[PAD] [UNK] it is shape what the a color".split()
ANSWERS = ["no", "blue", "yes", "red"]
MODEL = ModelVocabularies("runs/a", WORDS, False, ANSWERS)


def questions(written, split):
    return list(written.questions(split))


def test_ids_are_those_of_the_model_and_new_words_are_unknown(write, tmp_path):
    written = write(tmp_path / "records", vocabularies=MODEL, features=NO_CNN)
    assert written.vocabulary == WORDS
    assert written.answers == ANSWERS
    tokenizer = QuestionTokenizer(WORDS, written.info.sequence_length)
    for split in ("train", "validation", "test"):
        for q in questions(written, split):
            assert q.token_ids == tokenizer.padded_ids(q.question)
    first = questions(written, "test")[0]
    assert first.question == "what color is it, number 0?"
    assert first.token_ids == [5, 8, 3, 2, 1, 1, 0]
    known = {q.answer: q.answer_id for q in questions(written, "train")}
    assert known == {"red": 3, "blue": 1, "lime": -1, "yes": 2, "train": -1}
    assert written.info.splits["test"].in_vocabulary == 7


def test_the_flags_and_the_hashes_are_among_the_arguments(write, tmp_path):
    info = write(tmp_path / "a", vocabularies=MODEL, features=NO_CNN).info
    assert info.arguments["vocabularies"] == "runs/a"
    assert info.arguments["answers_of"] == "run"
    assert info.arguments["words_sha256"] == info.question_vocabulary.sha256
    assert info.arguments["answers_sha256"] == info.answer_vocabulary.sha256
    for other in (
        MODEL._replace(words=[*WORDS, "number"]),
        MODEL._replace(answers=["blue", "no"]),
        MODEL._replace(answers_of="data"),
        None,
    ):
        with pytest.raises(UserError, match="holds records of other arguments"):
            write(tmp_path / "a", vocabularies=other, features=NO_CNN)
    write(tmp_path / "a", vocabularies=MODEL, features=NO_CNN)


def test_answers_of_the_data_are_those_of_its_training_split(write, tmp_path):
    counted = write(tmp_path / "counted", features=NO_CNN)
    written = write(
        tmp_path / "records",
        vocabularies=MODEL._replace(answers_of="data"),
        features=NO_CNN,
    )
    assert written.vocabulary == WORDS
    assert written.answers == counted.answers
    assert written.answers != ANSWERS
    assert written.info.sequence_length == counted.info.sequence_length
    few = write(
        tmp_path / "few",
        vocabularies=MODEL._replace(answers_of="data"),
        text=TextOptions(top_answers=1),
        features=NO_CNN,
    )
    assert few.answers == ["yes"]


def test_known_words_and_answers_are_counted_over_all_splits(
    write, tmp_path, capsys
):
    write(tmp_path / "records", vocabularies=MODEL, features=NO_CNN)
    printed = capsys.readouterr().out
    assert "model          words and answers of runs/a\n" in printed
    # 16 x "what color is it, number N", 16 x "is it a shape" and 2 x "is it
    # lost in the training split", of which 4, 4 and 3 words are known; 5 limes
    # and the answers "train" and "test" are no class.
    assert "known          134 of 174 (77.01 %) of the words, " in printed
    assert "answers of 27 of 34 (79.41 %) of the questions" in printed
    assert "warning" not in printed


def test_nothing_known_is_warned_of(write, tmp_path, capsys):
    words, answers = ["[PAD]", "[UNK]", "zebra"], ["striped"]
    foreign = ModelVocabularies("runs/b", words, False, answers)
    write(tmp_path / "a", vocabularies=foreign, features=NO_CNN)
    printed = capsys.readouterr().out
    assert "warning: not one word of the questions is in the" in printed
    assert "of runs/b, so all" in printed
    assert "warning: not one question has an answer that is a" in printed
    of_data = foreign._replace(answers_of="data")
    write(tmp_path / "b", vocabularies=of_data, features=NO_CNN)
    printed = capsys.readouterr().out
    assert "warning: not one word" in printed
    assert "warning: not one question" not in printed


def test_accents_are_those_of_the_model(write, tmp_path):
    folder = tmp_path / "cafe"
    folder.mkdir()
    Image.new("RGB", (8, 8)).save(folder / "0.png")
    row = {"question_id": 0, "image": "0.png", "question": "caf\u00e9?"}
    (folder / "test.jsonl").write_text(json.dumps({**row, "answer": "yes"}))
    words = ["[PAD]", "[UNK]", "cafe"]
    for strip, expected in ((True, [2]), (False, [1])):
        written = write(
            tmp_path / f"records_{strip}",
            dataset="jsonl",
            input_folder=folder,
            vocabularies=ModelVocabularies("runs/c", words, strip, ["yes"]),
            features=NO_CNN,
        )
        assert written.info.strip_accents is strip
        assert written.tokenizer().strip_accents is strip
        assert questions(written, "test")[0].token_ids == expected


@pytest.fixture
def test_alone(tmp_path):
    """A data set of 8 drawings of one color and a test split alone."""
    folder = tmp_path / "test_alone"
    folder.mkdir()
    rows = []
    for i in range(8):
        color = ("red", "blue")[i % 2]
        image = Image.new("RGB", (64, 64), "white")
        image.paste(color, (16, 16, 48, 48))
        image.save(folder / f"{i}.png")
        text = "what color is the shape?"
        row = {"question_id": i, "image": f"{i}.png", "question": text}
        rows.append(json.dumps({**row, "answer": color}))
    rows[7] = rows[7].replace("the shape", "the lonely old rectangle")
    (folder / "test.jsonl").write_text("\n".join(rows))
    return folder


def test_the_length_is_that_of_all_questions_without_a_training_split(
    write, test_alone, tmp_path, capsys
):
    arguments = {"dataset": "jsonl", "input_folder": test_alone}
    arguments |= {"features": NO_CNN, "vocabularies": MODEL}
    written = write(tmp_path / "a", **arguments)
    assert list(written.info.splits) == ["test"]
    assert written.info.sequence_length == 7
    printed = capsys.readouterr().out
    assert "length         from all questions: there is no" in printed
    assert "training answers" not in printed
    text = TextOptions(sequence_length=3)
    written = write(tmp_path / "b", **arguments, text=text)
    assert written.info.sequence_length == 3
    assert "length         from" not in capsys.readouterr().out
    of_data = MODEL._replace(answers_of="data")
    with pytest.raises(UserError, match="with a training split, .*: test$"):
        write(tmp_path / "c", **{**arguments, "vocabularies": of_data})
    with pytest.raises(UserError, match=r"\(--vocabularies\) or from a train"):
        write(tmp_path / "d", **{**arguments, "vocabularies": None})


def test_a_test_split_without_a_usable_image_is_refused(
    write, test_alone, tmp_path
):
    for path in test_alone.glob("*.png"):
        path.write_text("text")
    with pytest.raises(UserError, match="At least one image must be usable"):
        write(
            tmp_path / "records",
            dataset="jsonl",
            input_folder=test_alone,
            features=NO_CNN,
            vocabularies=MODEL,
            allow_dropped=True,
        )


@pytest.mark.slow
def test_two_worker_processes_write_equal_records(
    write, test_alone, tmp_path, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    flags = [(), ("--direct_running_mode=multi_processing",)]
    shards = [
        {
            bytes(record.numpy())
            for path in write(
                tmp_path / f"records_{len(options)}",
                *options,
                dataset="jsonl",
                input_folder=test_alone,
                vocabularies=MODEL,
                features=NO_CNN,
            ).folder.glob("*.tfrecord")
            for record in tf.data.TFRecordDataset(str(path))
        }
        for options in flags
    ]
    assert len(shards[0]) == 8
    assert shards[0] == shards[1]


def call(module, *arguments):
    done = run_main(
        lambda: runpy.run_module(module, None, "__main__", True),
        module,
        *arguments,
    )
    assert done.status == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_shipped_model_answers_a_test_split_alone(test_alone, tmp_path):
    model, records = "stacked_easy_vqa", tmp_path / "records"
    call(
        "pipelines.write_records",
        "--dataset=jsonl",
        f"--input={test_alone}",
        f"--output={records}",
        f"--vocabularies={model}",
    )
    assert Records(records).info.arguments["vocabularies"] == model
    card = call("pipelines.inspect_records", records, "--contact_sheet=")
    assert "lonely" not in card
    assert "  majority" in card
    figures = tmp_path / "figures.json"
    printed = call(
        "vqa_keras.zoo.evaluate",
        model,
        f"--data={records}",
        f"--output={figures}",
    )
    assert printed.startswith("accuracy     100.00 % of 8 test questions")
    assert "no baselines: the records have no training split" in printed
    found = json.loads(figures.read_text())
    assert found["baselines"] is None
    assert found["accuracy"]["overall"] == 100
    page = tmp_path / "report.html"
    call("vqa_keras.zoo.report", model, f"--data={records}", f"--output={page}")
    assert "what color is the shape?" in page.read_text()
    output = tmp_path / "answers.jsonl"
    call(
        "vqa_keras.zoo.predict",
        model,
        f"--input={test_alone / 'test.jsonl'}",
        f"--output={output}",
    )
    answers = [
        json.loads(line)["answers"][0]
        for line in output.read_text().splitlines()
    ]
    assert answers == ["red", "blue"] * 4
