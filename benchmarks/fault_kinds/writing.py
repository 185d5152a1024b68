"""Faults in the writing of many records, by processes of their own.

    killed           the whole run, with -9 at random moments of the extraction;
                     the same command is run until so many runs have been
                     killed, then once more.
    worker killed    one of the two workers of --direct_running_mode=
                     multi_processing is killed with -9 during extraction; then
                     the same command is run again.
    disk full        the folder of the records is a file system with half of the
                     required space (tmpfs; without the permission to mount one,
                     a limit on the size of files). Then the space is extended
                     and the same command is run again.
    corrupted images files of 20 kinds that cannot be decoded. The records must
                     be the undisturbed ones without these images, all of which
                     are listed as dropped.

The records must be equal byte by byte.
"""

import collections
import contextlib
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import tempfile
import time

import tensorflow as tf
from support import corrupt
from support import jsonl_set
from support import system

from fault_kinds.outcome import EQUAL
from fault_kinds.outcome import SILENT
from fault_kinds.outcome import TRACEBACK
from fault_kinds.outcome import Outcome
from vqa_keras.data import Records
from vqa_keras.data.records import decode

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_ENVIRONMENT = {"PYTHONPATH": str(_ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
_SHARD = 5  # images
_TIMEOUT = 300  # seconds until a run counts as hanging
_KILLS = 20
_NOISE = re.compile(r" images, |^[IW]\d{4} |before absl::InitializeLog")
_TWO_WORKERS = (
    "--direct_running_mode=multi_processing",
    "--direct_num_workers=2",
)


class Writing:
    """A case with the four faults above.

    Args:
        workspace: `Workspace`.
        images: int, number of images.
        corrupted: int, number of them that are corrupted.
    """

    name = "writing"
    timeout = 3600

    def __init__(self, workspace, images, corrupted):
        self.workspace = workspace
        self.images = images
        self.corrupted = corrupted

    def computes(self, number):
        """Whether cases share a process: each starts many."""
        return False

    def describe(self, number):
        """Returns what a case does."""
        return "write_records"

    def run(self, number):
        """Returns the outcomes of the four faults."""
        rng = self.workspace.rng(self.name, number)
        with tempfile.TemporaryDirectory(
            dir=self.workspace.folder / "cases"
        ) as folder:
            folder = pathlib.Path(folder)
            bench = _Bench(folder, rng, self.images, self.corrupted)
            error = bench.undisturbed()
            if error:
                return Outcome(TRACEBACK, "undisturbed", error[-300:])
            outcomes = []
            for name, fault, tried in (
                ("killed", bench.killed, _KILLS),
                ("worker killed", bench.worker_killed, 1),
                ("disk full", bench.disk_full, 1),
                ("corrupted images", bench.corrupted, bench.count),
            ):
                equal, remark = fault()
                outcome = EQUAL if equal else SILENT
                outcomes.append(Outcome(outcome, name, remark, tried))
            return outcomes


class _Bench:
    """The faults; each returns whether the records are correct, and a remark.

    Args:
        folder: `pathlib.Path` of an empty folder.
        rng: `random.Random`.
        images: int, number of images.
        corrupted: int, number of images to corrupt.
    """

    def __init__(self, folder, rng, images, corrupted):
        self.folder = folder
        self.rng = rng
        self.images = jsonl_set.write(folder / "data", images)
        self.count = min(corrupted, images * 9 // 10)
        jsonl_set.save_cnn(folder / "cnn.keras")
        self.expected = None  # files of an undisturbed run

    def undisturbed(self):
        """Writes the records; returns the error, or ""."""
        output = self.folder / "expected"
        status, error = self._run(output)
        self.expected = _content(output)
        return f"status {status}: {error}" if status else ""

    def killed(self):
        output = self.folder / "killed"
        moments = []
        while len(moments) < _KILLS:
            left = len(self.images) - _finished(output)
            step = max(1, left // (_KILLS - len(moments) + 1))
            more = self.rng.randint(1, step)
            process = self._start(output)
            done = self._wait_for_images(process, output, more)
            if done is None:
                system.kill(process)
                kills = len(moments)
                return False, f"no images after kill {kills}: {self._errors()}"
            system.kill(process)
            moments.append(done)
        status, _ = self._run(output)
        kills = f"{len(moments)} kills, at {moments[0]} to {moments[-1]} images"
        return self._is_expected(output), f"{kills}; then status {status}"

    def worker_killed(self):
        output = self.folder / "worker"
        process = self._start(output, *_TWO_WORKERS)
        more = self.rng.randint(1, len(self.images) // 2)
        done = self._wait_for_images(process, output, more)
        workers = system.descendants(
            process.pid, "apache_beam.runners.worker.sdk_worker_main"
        )
        if done is None or not workers:
            system.kill(process)
            return False, f"no worker was found: {self._errors()}"
        os.kill(self.rng.choice(workers), signal.SIGKILL)
        try:
            process.wait(_TIMEOUT)
            end = f"ended with status {process.returncode}"
        except subprocess.TimeoutExpired:
            end = f"hung for {_TIMEOUT} s and was killed"
        system.kill(process)
        status, _ = self._run(output, *_TWO_WORKERS)
        return self._is_expected(output), (
            f"1 of {len(workers)} workers killed at {done} images; {end}; "
            f"again: status {status}"
        )

    def disk_full(self):
        output = self.folder / "full"
        output.mkdir()
        size = sum(map(len, self.expected.values()))
        with contextlib.ExitStack() as stack:
            mounted = system.mount(output, size // 2, stack)
            limit = None if mounted else size // 10
            status, error = self._run(output, file_bytes=limit)
            if mounted:
                system.remount(output, 20 * size)
            again, _ = self._run(output)
            remark = (
                f"{'tmpfs' if mounted else 'limit on files'}: status {status}, "
                f"{' '.join(error.split())[:160]!r}; again: status {again}"
            )
            plain = status == 2 and "Traceback" not in error
            return plain and self._is_expected(output), remark

    def corrupted(self):
        chosen = self.rng.sample(self.images, self.count)
        kinds = list(corrupt.kinds())
        for number, (_, path) in enumerate(chosen):
            corrupt.corrupt(path, kinds[number % len(kinds)])
        output = self.folder / "corrupted"
        status, error = self._run(output, "--allow_dropped")
        if status:
            return False, f"status {status}: {error[-300:]}"
        lost = {image_id for image_id, _ in chosen}
        records = _records(self.folder / "expected")
        expected = {i: r for i, r in records.items() if i not in lost}
        dropped = [
            json.loads(line)
            for line in (output / "dropped.jsonl").read_text().splitlines()
        ]
        listed = collections.Counter(str(item.get("id")) for item in dropped)
        counts = Records(output).info.dropped
        correct = (
            _records(output) == expected
            and listed == collections.Counter(lost)
            and sum(counts.values()) == self.count
        )
        return correct, f"{self.count} of {len(kinds)} kinds, dropped: {counts}"

    def _start(self, output, *flags, file_bytes=None):
        command = jsonl_set.command(
            self.folder / "data",
            output,
            self.folder / "cnn.keras",
            f"--images_per_shard={_SHARD}",
            f"--batch_size={_SHARD}",
            *flags,
        )
        limit = (file_bytes, file_bytes)
        with open(self.folder / "stderr.txt", "wb") as stderr:
            return subprocess.Popen(
                command,
                env=os.environ | _ENVIRONMENT,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
                preexec_fn=file_bytes
                and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)),
            )

    def _run(self, output, *flags, file_bytes=None):
        """Runs the command; returns its status and its error messages."""
        status = self._start(output, *flags, file_bytes=file_bytes).wait()
        return status, self._errors()

    def _errors(self):
        text = (self.folder / "stderr.txt").read_text(errors="replace")
        # Without progress and the messages of TensorFlow's start.
        lines = [line for line in text.splitlines() if not _NOISE.search(line)]
        return "\n".join(lines)

    def _wait_for_images(self, process, output, more):
        """Waits until a run has finished `more` images; None if it ends."""
        before = _finished(output)
        deadline = time.monotonic() + _TIMEOUT
        while process.poll() is None and time.monotonic() < deadline:
            done = _finished(output)
            if done >= before + more:
                time.sleep(self.rng.random() / 50)
                return done
            time.sleep(0.002)
        return None

    def _is_expected(self, output):
        return _content(output) == self.expected


def _finished(output):
    """Returns the number of images in complete shards."""
    return _SHARD * len(list(output.glob("*.tfrecord")))


def _content(output):
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in output.rglob("*")
        if path.is_file()
    }


def _records(output):
    """Returns `{image_id: bytes of the record}` of all splits."""
    files = Records(output).files
    records = {}
    for split in files.info.splits.values():
        for shard in split.shards:
            dataset = tf.data.TFRecordDataset(str(files.path(shard.name)))
            for record in dataset.as_numpy_iterator():
                records[decode(record).image_id] = record
    return records
