"""The pipeline of `pipelines.write_records`, without its flags."""

import contextlib
import pathlib
import time

import apache_beam as beam

from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.datasets.readers import READERS
from vqa_keras.errors import UserError
from vqa_keras.writing import record_set
from vqa_keras.writing.beam_errors import user_errors
from vqa_keras.writing.feature_source import Features
from vqa_keras.writing.progress import Progress
from vqa_keras.writing.transforms import BuildVocabularies
from vqa_keras.writing.transforms import WriteShards


def write_records(
    options,
    *,
    output,
    dataset="easy_vqa",
    input_folder=None,
    features=None,
    sequence_length=None,
    min_word_count=1,
    min_answer_count=1,
    top_answers=None,
    batch_size=32,
    images_per_shard=512,
    store_images=True,
    allow_dropped=False,
    overwrite=False,
    **of_reader,
):
    """Writes a data set as records and prints what the folder holds then.

    `options` are Beam's `PipelineOptions`, `features` is a `Features`, and
    `of_reader` are arguments of the data set's reader; the others are the flags
    of `pipelines.write_records`, which describes them.

    Returns:
        The `vqa_keras.data.DatasetInfo` of the records.

    Raises:
        UserError: if the data, the CNN or the output cannot be used.
    """
    start = time.monotonic()
    reader = _reader(dataset)
    _check_arguments(dataset, reader, of_reader)
    folder = reader.find(input_folder)
    features = features or Features()
    features.check(store_images)
    work = record_set.open_folder(output, overwrite)
    with contextlib.ExitStack() as stack:
        table = stack.enter_context(
            QuestionTable(work.path / "questions.sqlite")
        )
        print(f"reading {dataset} ...", flush=True)
        reader.read(folder, table, **of_reader)
        table.finish()
        described = features.describe(work, table)
        arguments = {
            "dataset": dataset,
            "annotations_sha256": table.sha256(),
            **features.arguments(described),
            "sequence_length": sequence_length,
            "min_word_count": min_word_count,
            "min_answer_count": min_answer_count,
            "top_answers": top_answers,
            "batch_size": batch_size,
            "images_per_shard": images_per_shard,
            "store_images": store_images,
            **{name: of_reader.get(name) for name in sorted(of_reader)},
        }
        info = record_set.claim(output, arguments)
        if info is not None:
            print(f"{output} holds these records already: nothing to do.")
            print(summary(info))
            return info
        encoder_file = features.save(output)
        shards = work.write_plans(table, images_per_shard)
        work.clear_done()
        contents = {
            "dataset": dataset,
            "folder": folder and str(folder),
            "batch_size": batch_size,
            "store_images": store_images,
            **features.contents(encoder_file, described),
        }
        total = sum(table.splits().values())
        with Progress(total, work.done), user_errors():
            _run(
                options,
                output,
                shards,
                contents,
                record_set.sha256_of(arguments),
                (min_word_count, min_answer_count, top_answers),
                sequence_length,
            )
        known = {
            "dataset": dataset,
            "image_encoder": described,
            "stored_images": store_images,
            "arguments": arguments,
        }
        info = record_set.finish(output, shards, table, known, allow_dropped)
    print(summary(info, time.monotonic() - start))
    return info


def _run(
    options, output, shards, contents, fingerprint, limits, sequence_length
):
    """Runs the pipeline: vocabularies, then all shards with them."""
    with beam.Pipeline(options=options) as pipeline:
        text = (
            pipeline
            | "TrainingShards" >> beam.Create(shards["train"])
            | "BuildVocabularies"
            >> BuildVocabularies(output, *limits, sequence_length)
        )
        _ = (
            pipeline
            | "AllShards" >> beam.Create(sum(shards.values(), []))
            | "WriteShards"
            >> WriteShards(
                output, contents, fingerprint, beam.pvalue.AsSingleton(text)
            )
        )


def summary(info, seconds=None):
    """Returns lines that say what a folder of records holds."""
    lines = [f"records        {pathlib.Path(info.directory)}"]
    for split, entry in info.splits.items():
        lines.append(
            f"{split:14} {entry['images']} images, {entry['questions']} "
            f"questions, {len(entry['shards'])} shards"
        )
    lines.append(
        f"vocabularies   {len(info.question_words())} words, "
        f"{len(info.answers())} answers; questions of at most "
        f"{info.sequence_length} words, {info.cut_questions} cut"
    )
    if info.image_encoder:
        levels = ", ".join(
            f"{name} {' x '.join(map(str, shape))}"
            for name, shape in info.image_encoder["levels"].items()
        )
        dtype = info.image_encoder.get("feature_dtype", "float16")
        lines.append(
            f"features       {info.image_encoder['name']}: {levels}, {dtype}"
        )
    dropped = ", ".join(f"{n} {why}" for why, n in info.dropped.items())
    named = f", named in {info.dropped_file}" if dropped else ""
    lines.append(f"dropped        {dropped or 'none'}{named}")
    if seconds is not None:
        lines.append(f"time           {seconds:.1f} s")
    return "\n".join(lines)


def _reader(dataset):
    if dataset not in READERS:
        raise UserError(
            f"--dataset needed one of: {', '.join(READERS)}. Received: "
            f"{dataset}"
        )
    return READERS[dataset]


def _check_arguments(dataset, reader, arguments):
    for name in arguments:
        if name not in reader.ARGUMENTS:
            known = ", ".join(f"--{known}" for known in reader.ARGUMENTS)
            raise UserError(
                f"--dataset={dataset} needed none but its own flags, "
                f"{known}. Received: --{name}"
            )
