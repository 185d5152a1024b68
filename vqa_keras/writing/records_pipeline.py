"""The pipeline of `pipelines.write_records`, without its flags."""

import contextlib
import os
import time
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import AsSingleton

from vqa_keras.data.records_folder import Records
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.datasets.readers import READERS
from vqa_keras.datasets.readers import Reader
from vqa_keras.errors import UserError
from vqa_keras.images import MAX_PIXELS
from vqa_keras.lock import one_writer
from vqa_keras.writing import record_set
from vqa_keras.writing.beam_errors import user_errors
from vqa_keras.writing.feature_source import FeatureSource
from vqa_keras.writing.progress import Progress
from vqa_keras.writing.record_maker import RecordOptions
from vqa_keras.writing.shard_sizes import ImageWork
from vqa_keras.writing.shard_sizes import shard_sizes
from vqa_keras.writing.summary import summary
from vqa_keras.writing.summary import warnings
from vqa_keras.writing.text_options import ModelVocabularies
from vqa_keras.writing.text_options import TextOptions
from vqa_keras.writing.text_options import complete
from vqa_keras.writing.transforms import BuildVocabularies
from vqa_keras.writing.transforms import WriteShards

MAX_MEGAPIXELS = 178  # Pillow opens no larger image.


def write_records(
    options: PipelineOptions,
    *,
    output: str | os.PathLike[str],
    dataset: str = "easy_vqa",
    input_folder: str | os.PathLike[str] | None = None,
    images: str | os.PathLike[str] | None = None,
    features: FeatureSource | None = None,
    text: TextOptions | None = None,
    vocabularies: ModelVocabularies | None = None,
    batch_size: int = 32,
    images_per_shard: int = 512,
    max_megapixels: float | None = None,
    store_images: bool = True,
    allow_dropped: bool = False,
    overwrite: bool = False,
    **of_reader: Any,
) -> Records:
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
        images: str or path, folder that the paths of the images are below, if
            it is not `input_folder`. Defaults to None.
        features: `FeatureSource`. Defaults to None: `FeatureSource()`.
        text: `TextOptions`. Defaults to None: `TextOptions()`.
        vocabularies: `ModelVocabularies` of a trained model, which the records
            take. Defaults to None: those of the training split.
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
        The `vqa_keras.data.Records`.

    Raises:
        UserError: if the data set, the CNN or the output cannot be used.
    """
    start = time.monotonic()
    reader = _reader(dataset)
    if images is not None:
        of_reader["images"] = images
    _check_arguments(dataset, reader, of_reader)
    folder = reader.find(input_folder)
    if images is not None and not os.path.isdir(images):
        raise UserError(
            "--images must be the folder of the image files. Received: "
            f"{images}"
        )
    source = features or FeatureSource()
    text = complete(text or TextOptions(), reader.ANSWER_RULE, vocabularies)
    source.check(store_images)
    max_pixels = _max_pixels(max_megapixels)
    with contextlib.ExitStack() as stack:
        if "://" not in str(output):  # which `open_folder` refuses
            stack.enter_context(one_writer(output))
        work = record_set.open_folder(output, overwrite)
        table = stack.enter_context(
            QuestionTable(work.path / "questions.sqlite")
        )
        print(f"reading {dataset} ...", flush=True)
        reader.read(folder, table, **of_reader)
        table.finish(training_required=vocabularies is None)
        if vocabularies is not None:
            vocabularies.check_splits(table.splits())
        of_reader.pop("images", None)  # as --input: its content may move
        opened = source.open(work, table)
        # JSON by the names of the flags: it is kept in `dataset_info.json`.
        arguments = {
            "dataset": dataset,
            "annotations_sha256": table.sha256(),
            **source.arguments(opened.described),
            **text._asdict(),
            **(vocabularies.arguments() if vocabularies else {}),
            "batch_size": batch_size,
            "images_per_shard": images_per_shard,
            "max_megapixels": max_megapixels,
            "store_images": store_images,
            **{name: of_reader.get(name) for name in sorted(of_reader)},
        }
        records = record_set.begin(output, arguments)
        if records is not None:
            print(f"{output} holds these records already: nothing to do.")
            print(summary(records))
            return records
        record_options = RecordOptions(
            dataset=dataset,
            folder=None if folder is None else str(images or folder),
            batch_size=batch_size,
            store_images=store_images,
            image_encoder=opened.save(output),
            levels=opened.levels,
            region_index=opened.region_index,
            feature_dtype=source.feature_dtype,
            max_pixels=max_pixels,
        )
        sizes = shard_sizes(
            table, images_per_shard, _image_work(record_options)
        )
        shards = work.write_plans(table, sizes)
        record_set.remove_other_shards(output, shards)
        work.clear_done()
        total = sum(table.splits().values())
        with Progress(total, work.done, work.done_before), user_errors():
            _run(
                options,
                output,
                shards,
                record_options,
                record_set.sha256_of([arguments, sizes]),
                text,
                vocabularies,
            )
        answers = work.answer_texts() if "train" in shards else None
        coverage = work.coverage() if vocabularies else None
        records = record_set.finish(
            output,
            shards,
            table,
            dataset=dataset,
            text=text,
            features=opened.described,
            stored_images=store_images,
            arguments=arguments,
            allow_dropped=allow_dropped,
        )
    print(summary(records, time.monotonic() - start, answers, coverage))
    for line in warnings(records, coverage):
        print(line)
    return records


def _image_work(options: RecordOptions) -> ImageWork | None:
    """Returns the work of an image, or None if no image file is read."""
    if options.folder is None or not (
        options.image_encoder or options.store_images
    ):
        return None
    return ImageWork(options.folder, options.store_images, options.max_pixels)


def _run(
    options: PipelineOptions,
    output: str | os.PathLike[str],
    shards: dict[str, list[str]],
    record_options: RecordOptions,
    fingerprint: str,
    text: TextOptions,
    vocabularies: ModelVocabularies | None,
) -> None:
    """Runs the pipeline: vocabularies, then all shards with them."""
    all_shards = sum(shards.values(), [])
    counted = all_shards if vocabularies else shards["train"]
    with beam.Pipeline(options=options) as pipeline:
        built = (
            pipeline
            | "CountedShards" >> beam.Create(counted)
            | "BuildVocabularies"
            >> BuildVocabularies(output, text, vocabularies)
        )
        _ = (
            pipeline
            | "AllShards" >> beam.Create(all_shards)
            | "WriteShards"
            >> WriteShards(
                output,
                record_options,
                fingerprint,
                AsSingleton(built),
            )
        )


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
