"""The Apache Beam side of writing records: the only module that imports it."""

import collections
import pathlib

import apache_beam as beam

from vqa_keras.writing.record_maker import RecordMaker
from vqa_keras.writing.record_text import RecordText
from vqa_keras.writing.record_text import count_text
from vqa_keras.writing.record_text import write_text
from vqa_keras.writing.shards import finished_shard
from vqa_keras.writing.shards import write_shard
from vqa_keras.writing.work_folder import WorkFolder


class BuildVocabularies(beam.PTransform):
    """Counts words and answers and writes both vocabularies.

    In: names of the training shards, whose plans are in the work folder.
    Out: one element, what `vqa_keras.writing.record_text.write_text` returns.

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
    """Writes records, shard by shard.

    In: names of shards, whose plans are in the work folder.
    Out: the entry of each shard in `dataset_info.json`.

    A shard that an earlier run finished is passed on as it is. Memory holds
    two batches of images and the plan of one shard.

    Args:
        output: folder of the records.
        contents: dict, see `RecordMaker`.
        fingerprint: str, what the shards' contents depend on.
        text: side input, the output of `BuildVocabularies`.
    """

    def __init__(self, output, contents, fingerprint, text):
        super().__init__()
        self.text = text
        self.write_shard = WriteShard(str(output), contents, fingerprint)

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

    def __init__(self, output, contents, fingerprint):
        self.output = output
        self.contents = contents
        self.fingerprint = fingerprint
        self.maker = None

    def setup(self):
        self.maker = RecordMaker(self.contents)

    def process(self, shard, text):
        work = WorkFolder(self.output)
        path = pathlib.Path(self.output, shard)
        entry = finished_shard(path, self.fingerprint)
        if entry is not None:
            _count("shards_finished_before", 1)
            work.set_done(shard, len(work.plan(shard)))
        else:
            records = self._records(shard, work, RecordText(**text))
            entry = write_shard(path, records, self.fingerprint)
        _count("kept_images", entry["images"])
        _count("kept_questions", entry["questions"])
        work.write_entry(shard, entry)
        yield entry

    def _records(self, shard, work, text):
        """Yields the records of a shard and writes its report at the end.

        The report is therefore on disk before the shard is whole, and every
        finished shard has one.
        """
        report = {}
        plan = work.plan(shard)
        told = 0
        for record in self.maker.records(plan, text, report):
            if report["done"] != told:
                told = report["done"]
                work.set_done(shard, told)
            yield record
        work.set_done(shard, len(plan))
        split = shard.rsplit("-", 3)[0]
        dropped = [{"split": split, **item} for item in report["dropped"]]
        reasons = collections.Counter(item["reason"] for item in dropped)
        for reason, count in reasons.items():
            _count(f"dropped_{reason}", count)
        _count("cut_questions", report["cut_questions"])
        work.write_report(shard, dropped, report["cut_questions"])


def _count(name, number):
    beam.metrics.Metrics.counter("write_records", name).inc(number)
