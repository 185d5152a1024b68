"""The Apache Beam side of writing records: the only module that imports it."""

import collections
import pathlib

import apache_beam as beam

from vqa_keras.data.feature_extractor import FeatureExtractor
from vqa_keras.data.images import UnreadableImage
from vqa_keras.data.images import decode_image
from vqa_keras.data.images import to_stored
from vqa_keras.data.record_text import RecordText
from vqa_keras.data.record_text import count_text
from vqa_keras.data.record_text import write_text
from vqa_keras.data.records import encode
from vqa_keras.data.shards import finished_shard
from vqa_keras.data.shards import write_shard
from vqa_keras.data.work_folder import WorkFolder
from vqa_keras.errors import UserError


class BuildVocabularies(beam.PTransform):
    """Counts words and answers and writes both vocabularies.

    In: names of the training shards, whose plans are in the work folder.
    Out: one element, what `vqa_keras.data.record_text.write_text` returns.

    Args:
        output: folder of the records.
        min_word_count: int, see `question_vocabulary`.
        min_answer_count: int, see `build_vocabulary`.
        top_answers: int or None, see `build_vocabulary`.
        sequence_length: int, or None to take the longest training question.
    """

    def __init__(
        self,
        output,
        min_word_count,
        min_answer_count,
        top_answers,
        sequence_length,
    ):
        super().__init__()
        self.output = str(output)
        self.limits = (
            min_word_count,
            min_answer_count,
            top_answers,
            sequence_length,
        )

    def expand(self, shards):
        return (
            shards
            | "CountInShard" >> beam.ParDo(CountInShard(self.output))
            | "Sum" >> beam.CombinePerKey(sum)
            | "Collect" >> beam.combiners.ToDict()
            | "Write" >> beam.Map(write_text, self.output, *self.limits)
        )


class WriteShards(beam.PTransform):
    """Runs the CNN over images and writes records, shard by shard.

    In: names of shards, whose plans are in the work folder.
    Out: the entry of each shard in `dataset_info.json`.

    A shard that an earlier run finished is passed on as it is. Memory holds
    one batch of images and the plan of one shard.

    Args:
        output: folder of the records.
        images: folder that the paths of the plans are below.
        fingerprint: str, what the shards' contents depend on.
        text: side input, the output of `BuildVocabularies`.
        image_encoder: `.keras` file, or None to write no features.
        levels: list of names, one for each output of the encoder.
        batch_size: int, images in a call of the network.
        store_images: bool, whether the records hold the pictures.
    """

    def __init__(
        self,
        output,
        images,
        fingerprint,
        text,
        image_encoder,
        levels,
        batch_size,
        store_images,
    ):
        super().__init__()
        self.text = text
        self.write_shard = WriteShard(
            str(output),
            str(images),
            fingerprint,
            image_encoder and str(image_encoder),
            levels,
            batch_size,
            store_images,
        )

    def expand(self, shards):
        return (
            shards
            | "Spread" >> beam.Reshuffle()
            | "WriteShard" >> beam.ParDo(self.write_shard, self.text)
        )


class CountInShard(beam.DoFn):
    """Shard name -> `((kind, text), count)` for its words and answers."""

    def __init__(self, output):
        self.output = output

    def process(self, shard):
        yield from count_text(WorkFolder(self.output).plan(shard)).items()


class WriteShard(beam.DoFn):
    """Shard name -> its entry, the shard being on disk."""

    def __init__(
        self,
        output,
        images,
        fingerprint,
        image_encoder,
        levels,
        batch_size,
        store_images,
    ):
        self.output = output
        self.images = images
        self.fingerprint = fingerprint
        self.image_encoder = image_encoder
        self.levels = levels
        self.batch_size = batch_size
        self.store_images = store_images
        self.extract = None
        self.kept = beam.metrics.Metrics.counter("write_records", "kept")
        self.cut = beam.metrics.Metrics.counter("write_records", "cut")
        self.skipped = beam.metrics.Metrics.counter(
            "write_records", "shards_finished_before"
        )

    def setup(self):
        if self.image_encoder:
            self.extract = FeatureExtractor(
                self.image_encoder, self.levels, self.batch_size
            )

    def process(self, shard, text):
        work = WorkFolder(self.output)
        path = pathlib.Path(self.output, shard)
        entry = finished_shard(path, self.fingerprint)
        if entry is not None:
            self.skipped.inc()
            work.set_done(shard, len(work.plan(shard)))
        else:
            records = self._records(shard, work, RecordText(**text))
            entry = write_shard(path, records, self.fingerprint)
        work.write_entry(shard, entry)
        yield entry

    def _records(self, shard, work, text):
        """Yields the records of a shard and writes its report at the end.

        The report is therefore on disk before the shard is whole, and every
        finished shard has one.
        """
        dropped = []
        done = cut_questions = 0
        plan = work.plan(shard)
        for first in range(0, len(plan), self.batch_size):
            planned = plan[first : first + self.batch_size]
            batch = []
            for image in planned:
                try:
                    batch.append((image, *self._read(image)))
                except UnreadableImage as error:
                    dropped.append(_dropped(image, error.reason))
            grids = self._grids(batch)
            for (image, data, pixels), levels in zip(batch, grids, strict=True):
                questions, cut = text.encode(image["questions"])
                cut_questions += cut
                yield _encoded(image, data, pixels, levels, questions)
            done += len(planned)
            work.set_done(shard, done)
        self._count(done - len(dropped), dropped, cut_questions)
        work.write_report(shard, dropped, cut_questions)

    def _read(self, image):
        """Returns the bytes to store (or None) and the pixels."""
        try:
            data = pathlib.Path(self.images, image["path"]).read_bytes()
        except FileNotFoundError as error:
            raise UnreadableImage("missing_file") from error
        except OSError as error:
            raise UnreadableImage("unreadable_file") from error
        pixels = decode_image(data)
        return to_stored(data, pixels) if self.store_images else None, pixels

    def _grids(self, batch):
        if self.extract is None or not batch:
            return [{}] * len(batch)
        return self.extract([pixels for *_, pixels in batch])

    def _count(self, kept, dropped, cut_questions):
        self.kept.inc(kept)
        self.cut.inc(cut_questions)
        reasons = collections.Counter(item["reason"] for item in dropped)
        for reason, count in reasons.items():
            name = f"dropped_{reason}"
            beam.metrics.Metrics.counter("write_records", name).inc(count)


def _dropped(image, reason):
    return {
        "image_id": image["image_id"],
        "file": image["path"],
        "reason": reason,
        "questions": len(image["questions"]),
    }


def _encoded(image, data, pixels, levels, questions):
    try:
        return encode(
            {
                "image_id": image["image_id"],
                "image": data,
                "image_size": pixels.shape[:2],
                "features": levels,
                "boxes": None,
                "questions": questions,
            }
        )
    except ValueError as error:
        raise UserError(
            f"The record of {image['path']} cannot be written. {error}"
        ) from error
