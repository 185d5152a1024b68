"""Apache Beam transforms that write records."""

import collections
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics

from vqa_keras.data.records import EncodedRecord
from vqa_keras.data.splits import Shard
from vqa_keras.datasets.question import Dropped
from vqa_keras.text import normalize
from vqa_keras.writing.record_maker import RecordMaker
from vqa_keras.writing.record_maker import RecordOptions
from vqa_keras.writing.record_text import OTHER
from vqa_keras.writing.record_text import RecordText
from vqa_keras.writing.record_text import Vocabularies
from vqa_keras.writing.record_text import count_text
from vqa_keras.writing.record_text import write_text
from vqa_keras.writing.shards import finished_shard
from vqa_keras.writing.shards import write_shard
from vqa_keras.writing.text_options import ModelVocabularies
from vqa_keras.writing.text_options import TextOptions
from vqa_keras.writing.work_folder import ShardReport
from vqa_keras.writing.work_folder import WorkFolder


class BuildVocabularies(beam.PTransform):
    """Counts words and answers and writes both vocabularies.

    In: names of the training shards (str), whose plans are in the work folder;
    with a model those of all shards.
    Out: one `Vocabularies`.

    Args:
        output: str or path, folder of the records.
        options: `TextOptions`.
        model: `ModelVocabularies`. Defaults to None.
    """

    def __init__(
        self,
        output: str | os.PathLike[str],
        options: TextOptions,
        model: ModelVocabularies | None = None,
    ):
        super().__init__()
        self.output = str(output)
        self.options = options
        self.model = model

    def expand(self, input_or_inputs: Any) -> Any:
        return (
            input_or_inputs
            | "CountInShard"
            >> beam.ParDo(CountInShard(self.output, self.options))
            | "Sum" >> beam.CombinePerKey(sum)
            | "Collect" >> beam.combiners.ToDict()
            | "Write"
            >> beam.Map(write_text, self.output, self.options, self.model)
        )


class WriteShards(beam.PTransform):
    """Writes the records of each shard.

    In: names of shards (str), whose plans are in the work folder.
    Out: `Shard` of each, as `dataset_info.json` lists it.

    Shards that an earlier run finished are kept. Memory holds two batches of
    images and the plan of one shard.

    Args:
        output: str or path, folder of the records.
        options: `RecordOptions`.
        fingerprint: str, hash of all that the shards depend on.
        vocabularies: side input, the output of `BuildVocabularies`.
    """

    def __init__(
        self,
        output: str | os.PathLike[str],
        options: RecordOptions,
        fingerprint: str,
        vocabularies: Any,
    ):
        super().__init__()
        self.vocabularies = vocabularies
        self.write_shard = WriteShard(str(output), options, fingerprint)

    def expand(self, input_or_inputs: Any) -> Any:
        return (
            input_or_inputs
            | "Spread" >> beam.Reshuffle()
            | "WriteShard" >> beam.ParDo(self.write_shard, self.vocabularies)
        )


class CountInShard(beam.DoFn):
    """Counts the words, answers and lengths of a shard.

    In: name of a shard. Out: `((kind, value), count)` of `count_text`, with
    `OTHER` before the kind if the shard is not of the training split.
    """

    def __init__(self, output: str, options: TextOptions):
        self.output = output
        self.options = options

    def process(
        self, element: str, *args: Any, **kwargs: Any
    ) -> Iterator[tuple[tuple[str, Any], int]]:
        images = WorkFolder(self.output).plan(element)
        prefix = "" if _split_of(element) == "train" else OTHER
        for (kind, value), count in count_text(images, self.options).items():
            yield (f"{prefix}{kind}", value), count


class WriteShard(beam.DoFn):
    """Writes a shard.

    In: name of a shard. Out: its `Shard`, once it is written.
    """

    def __init__(self, output: str, options: RecordOptions, fingerprint: str):
        self.output = output
        self.options = options
        self.fingerprint = fingerprint
        self.maker: RecordMaker | None = None

    def setup(self) -> None:
        self.maker = RecordMaker(self.options)

    def process(
        self,
        element: str,
        vocabularies: Vocabularies,
        *args: Any,
        **kwargs: Any,
    ) -> Iterator[Shard]:
        work = WorkFolder(self.output)
        path = pathlib.Path(self.output, element)
        shard = finished_shard(path, self.fingerprint)
        if shard is not None:
            _count("shards_finished_before", 1)
            work.set_done(element, len(work.plan(element)), before=True)
        else:
            records = self._records(element, work, RecordText(*vocabularies))
            shard = write_shard(path, records, self.fingerprint)
        _count("kept_images", shard.images)
        _count("kept_questions", shard.questions)
        work.write_shard(shard)
        yield shard

    def _records(
        self, shard: str, work: WorkFolder, text: RecordText
    ) -> Iterator[EncodedRecord]:
        """Yields the records of a shard, then writes its report.

        The report is written before the shard is complete: every finished
        shard has one.
        """
        maker = self.maker or RecordMaker(self.options)
        plan = work.plan(shard)
        dropped, cut_questions = [], 0
        answers: collections.Counter[tuple[str, str]] = collections.Counter()
        split = _split_of(shard)
        for done, made in enumerate(maker.records(split, plan, text)):
            if done % self.options.batch_size == 0:
                work.set_done(shard, done)
            if isinstance(made, Dropped):
                dropped.append(made)
            else:
                cut_questions += made.cut_questions
                if split == "train":
                    answers.update(
                        (normalize(question), answer)
                        for question, answer in made.answers
                        if answer
                    )
                yield made.record
        work.set_done(shard, len(plan))
        reasons = collections.Counter(item.reason for item in dropped)
        for reason, count in reasons.items():
            _count(f"dropped_{reason}", count)
        _count("cut_questions", cut_questions)
        counts = [(*pair, count) for pair, count in answers.items()]
        work.write_report(shard, ShardReport(dropped, cut_questions, counts))


def _split_of(shard: str) -> str:
    return shard.rsplit("-", 3)[0]


def _count(name: str, number: int) -> None:
    Metrics.counter("write_records", name).inc(number)
