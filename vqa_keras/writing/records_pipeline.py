"""The pipeline of `pipelines.write_records`, without its flags."""

import contextlib
import os
import pathlib
import time
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import AsSingleton

from vqa_keras.data.dataset_info import DatasetInfo
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.datasets.readers import READERS
from vqa_keras.datasets.readers import Reader
from vqa_keras.errors import UserError
from vqa_keras.images import MAX_PIXELS
from vqa_keras.writing import record_set
from vqa_keras.writing.beam_errors import user_errors
from vqa_keras.writing.feature_source import FeatureSource
from vqa_keras.writing.progress import Progress
from vqa_keras.writing.record_maker import RecordOptions
from vqa_keras.writing.record_text import TextLimits
from vqa_keras.writing.transforms import BuildVocabularies
from vqa_keras.writing.transforms import WriteShards

MAX_MEGAPIXELS = 178  # Pillow opens no larger image.


def write_records(
    options: PipelineOptions,
    *,
    output: str | os.PathLike[str],
    dataset: str = "easy_vqa",
    input_folder: str | os.PathLike[str] | None = None,
    features: FeatureSource | None = None,
    sequence_length: int | None = None,
    min_word_count: int = 1,
    min_answer_count: int = 1,
    top_answers: int | None = None,
    batch_size: int = 32,
    images_per_shard: int = 512,
    max_megapixels: float | None = None,
    store_images: bool = True,
    allow_dropped: bool = False,
    overwrite: bool = False,
    **of_reader: Any,
) -> DatasetInfo:
    """Writes a data set as records and prints a summary of the folder.

    Finished shards of an earlier call with the same arguments are kept.

    Args:
        options: Beam's `PipelineOptions`.
        output: str or path, new or empty folder, or one that an earlier call
            began.
        dataset: str, name of a reader in `vqa_keras.datasets.readers`. Defaults
            to "easy_vqa".
        input_folder: str or path, folder of the data set. Defaults to None:
            that of the reader, if it has one.
        features: `FeatureSource`. Defaults to None: `FeatureSource()`.
        sequence_length: see `TextLimits`, as the next three.
        min_word_count: see there.
        min_answer_count: see there.
        top_answers: see there.
        batch_size: int, images per batch of the CNN. Defaults to 32.
        images_per_shard: int, largest number of images per file. Defaults to
            512.
        max_megapixels: float, images of more are dropped before they are
            decoded; at most 178. Defaults to None: 50.
        store_images: bool, whether the records store the images. Defaults to
            True.
        allow_dropped: bool, whether more than 1 % of the images or of the
            questions may be dropped. Defaults to False.
        overwrite: bool, whether to remove existing records. Defaults to False.
        **of_reader: arguments of the reader's `read`.

    Returns:
        `vqa_keras.data.DatasetInfo`.

    Raises:
        UserError: if the data set, the CNN or the output cannot be used.
    """
    start = time.monotonic()
    reader = _reader(dataset)
    _check_arguments(dataset, reader, of_reader)
    folder = reader.find(input_folder)
    source = features or FeatureSource()
    source.check(store_images)
    max_pixels = _max_pixels(max_megapixels)
    work = record_set.open_folder(output, overwrite)
    with contextlib.ExitStack() as stack:
        table = stack.enter_context(
            QuestionTable(work.path / "questions.sqlite")
        )
        print(f"reading {dataset} ...", flush=True)
        reader.read(folder, table, **of_reader)
        table.finish()
        opened = source.open(work, table)
        # JSON by the names of the flags: it is kept in `dataset_info.json`.
        arguments = {
            "dataset": dataset,
            "annotations_sha256": table.sha256(),
            **source.arguments(opened.described),
            "sequence_length": sequence_length,
            "min_word_count": min_word_count,
            "min_answer_count": min_answer_count,
            "top_answers": top_answers,
            "batch_size": batch_size,
            "images_per_shard": images_per_shard,
            "max_megapixels": max_megapixels,
            "store_images": store_images,
            **{name: of_reader.get(name) for name in sorted(of_reader)},
        }
        info = record_set.begin(output, arguments)
        if info is not None:
            print(f"{output} holds these records already: nothing to do.")
            print(summary(info))
            return info
        record_options = RecordOptions(
            dataset=dataset,
            folder=None if folder is None else str(folder),
            batch_size=batch_size,
            store_images=store_images,
            image_encoder=opened.save(output),
            levels=opened.levels,
            region_index=opened.region_index,
            feature_dtype=source.feature_dtype,
            max_pixels=max_pixels,
        )
        shards = work.write_plans(table, images_per_shard)
        work.clear_done()
        total = sum(table.splits().values())
        with Progress(total, work.done), user_errors():
            _run(
                options,
                output,
                shards,
                record_options,
                record_set.sha256_of(arguments),
                TextLimits(
                    min_word_count,
                    min_answer_count,
                    top_answers,
                    sequence_length,
                ),
            )
        info = record_set.finish(
            output,
            shards,
            table,
            dataset=dataset,
            image_encoder=opened.described,
            stored_images=store_images,
            arguments=arguments,
            allow_dropped=allow_dropped,
        )
    print(summary(info, time.monotonic() - start))
    return info


def _run(
    options: PipelineOptions,
    output: str | os.PathLike[str],
    shards: dict[str, list[str]],
    record_options: RecordOptions,
    fingerprint: str,
    limits: TextLimits,
) -> None:
    """Runs the pipeline: vocabularies, then all shards with them."""
    with beam.Pipeline(options=options) as pipeline:
        vocabularies = (
            pipeline
            | "TrainingShards" >> beam.Create(shards["train"])
            | "BuildVocabularies" >> BuildVocabularies(output, limits)
        )
        _ = (
            pipeline
            | "AllShards" >> beam.Create(sum(shards.values(), []))
            | "WriteShards"
            >> WriteShards(
                output,
                record_options,
                fingerprint,
                AsSingleton(vocabularies),
            )
        )


def summary(info: DatasetInfo, seconds: float | None = None) -> str:
    """Returns a summary of a folder of records, several lines of text."""
    lines = [f"records        {pathlib.Path(info.directory or '')}"]
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


def _reader(dataset: str) -> Reader:
    if dataset not in READERS:
        raise UserError(
            f"--dataset must be one of: {', '.join(READERS)}. Received: "
            f"{dataset}"
        )
    return READERS[dataset]


def _max_pixels(max_megapixels: float | None) -> int:
    if max_megapixels is None:
        return MAX_PIXELS
    if not 0 < max_megapixels <= MAX_MEGAPIXELS:
        raise UserError(
            f"--max_megapixels must be above 0 and at most {MAX_MEGAPIXELS}, "
            f"the limit of Pillow. Received: {max_megapixels}"
        )
    return int(max_megapixels * 10**6)


def _check_arguments(
    dataset: str, reader: Reader, arguments: dict[str, Any]
) -> None:
    for name in arguments:
        if name not in reader.ARGUMENTS:
            known = ", ".join(f"--{known}" for known in reader.ARGUMENTS)
            raise UserError(
                f"Flags of readers must be those of --dataset={dataset}, "
                f"{known}. Received: --{name}"
            )
