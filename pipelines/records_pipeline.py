"""The pipeline of `pipelines.write_records`, without its flags."""

import pathlib
import time

import apache_beam as beam

from pipelines.beam_options import user_errors
from vqa_keras.data import easy_vqa
from vqa_keras.data import record_set
from vqa_keras.data.progress import Progress
from vqa_keras.data.saved_encoder import describe_encoder
from vqa_keras.data.saved_encoder import save_encoder
from vqa_keras.data.transforms import BuildVocabularies
from vqa_keras.data.transforms import WriteShards
from vqa_keras.data.work_folder import WorkFolder
from vqa_keras.errors import UserError
from vqa_keras.image_encoders import load as load_encoder

READERS = {easy_vqa.NAME: easy_vqa}


def write_records(
    options,
    *,
    output,
    dataset="easy_vqa",
    input_folder=None,
    image_encoder="grid_cnn",
    levels=None,
    image_size=None,
    sequence_length=None,
    min_word_count=1,
    min_answer_count=1,
    top_answers=None,
    batch_size=32,
    images_per_shard=512,
    validation_fraction=0.1,
    seed=0,
    store_images=True,
    allow_dropped=False,
    overwrite=False,
):
    """Writes a data set as records and prints what the folder holds then.

    `options` are Beam's `PipelineOptions`; the others are the flags of
    `pipelines.write_records`, which describes them.

    Returns:
        The `vqa_keras.data.DatasetInfo` of the records.

    Raises:
        UserError: if the data, the CNN or the output cannot be used.
    """
    start = time.monotonic()
    reader = _reader(dataset)
    images = reader.find(input_folder)
    splits = reader.read(images, validation_fraction, seed)
    encoder = described = encoder_file = None
    if image_encoder == "none":
        _check_without_encoder(levels, image_size, store_images)
    else:
        encoder = load_encoder(image_encoder, image_size, levels)
        described = describe_encoder(encoder, image_encoder, levels)
    arguments = {
        "dataset": dataset,
        "annotations_sha256": record_set.sha256_of(splits),
        "image_encoder": described and described["name"],
        "weights_sha256": described and described["weights_sha256"],
        "levels": levels,
        "image_size": image_size,
        "sequence_length": sequence_length,
        "min_word_count": min_word_count,
        "min_answer_count": min_answer_count,
        "top_answers": top_answers,
        "batch_size": batch_size,
        "images_per_shard": images_per_shard,
        "validation_fraction": validation_fraction,
        "seed": seed,
        "store_images": store_images,
    }
    info = record_set.claim(output, arguments, overwrite)
    if info is not None:
        print(f"{output} holds these records already: nothing to do.")
        print(summary(info))
        return info
    if encoder is not None:
        encoder_file = save_encoder(encoder, output)
    work = WorkFolder(output)
    shards = work.write_plans(splits, images_per_shard)
    work.clear_done()
    total = sum(map(len, splits.values()))
    with Progress(total, work.done), user_errors():
        with beam.Pipeline(options=options) as pipeline:
            text = (
                pipeline
                | "TrainingShards" >> beam.Create(shards["train"])
                | "BuildVocabularies"
                >> BuildVocabularies(
                    output,
                    min_word_count,
                    min_answer_count,
                    top_answers,
                    sequence_length,
                )
            )
            _ = (
                pipeline
                | "AllShards" >> beam.Create(sum(shards.values(), []))
                | "WriteShards"
                >> WriteShards(
                    output,
                    images,
                    record_set.sha256_of(arguments),
                    beam.pvalue.AsSingleton(text),
                    encoder_file,
                    list(described["levels"]) if described else [],
                    batch_size,
                    store_images,
                )
            )
    known = {
        "dataset": dataset,
        "image_encoder": described,
        "stored_images": store_images,
        "arguments": arguments,
    }
    info = record_set.finish(output, shards, known, allow_dropped)
    print(summary(info, time.monotonic() - start))
    return info


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
        lines.append(f"features       {info.image_encoder['name']}: {levels}")
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


def _check_without_encoder(levels, image_size, store_images):
    if not store_images:
        raise UserError(
            "Records needed features or pictures. Received: "
            "--image_encoder=none and --nostore_images"
        )
    if levels or image_size:
        raise UserError(
            "--levels and --image_size needed a CNN. Received: "
            "--image_encoder=none"
        )
