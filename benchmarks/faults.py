"""Breaks the writing of records in many ways and compares what is left.

    python benchmarks/faults.py [--images=1000 --kills=20 --corrupted=500]

Each row of the table is one kind of fault, and the records that the same
command makes in the end are compared with those of an undisturbed run:

    killed with -9      the whole run, at random moments of the extraction; the
                        same command is given again until so many runs have
                        been killed, then once more.
    worker killed       one of the two workers of --direct_running_mode=
                        multi_processing is killed with -9 in the extraction;
                        then the same command again.
    disk full           the folder of the records is a file system with half
                        the room they need (tmpfs; without the right to mount
                        one, a limit on the size of files). Then there is room,
                        and the same command again.
    corrupted pictures  pictures of 20 kinds that are none. The records have to
                        be the undisturbed ones less these images, all of which
                        are dropped by name.

The records have to be equal byte by byte. The command ends with status 1 if
they are not. The time is mostly the start of Python and TensorFlow.
"""

import collections
import contextlib
import json
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

import tensorflow as tf
from absl import flags
from support import corrupt
from support import jsonl_set
from support import system

from vqa_keras.command import run
from vqa_keras.data import Records
from vqa_keras.data.records import decode

_IMAGES = flags.DEFINE_integer("images", 1000, "Images.", lower_bound=50)
_KILLS = flags.DEFINE_integer("kills", 20, "Runs to kill.", lower_bound=1)
_CORRUPTED = flags.DEFINE_integer(
    "corrupted", 500, "Corrupted pictures.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", 0, "Chooses moments and pictures.")

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_ENVIRONMENT = {"PYTHONPATH": str(_ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
_SHARD = 5  # images
_PATIENCE = 300  # seconds until a run counts as hanging
_NOISE = re.compile(r" images, |^[IW]\d{4} |before absl::InitializeLog")
_TWO_WORKERS = (
    "--direct_running_mode=multi_processing",
    "--direct_num_workers=2",
)


def main(argv):
    failed = False
    print(f"{'fault':20}{'records':12}{'seconds':>8}  what happened")
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(pathlib.Path(folder), random.Random(_SEED.value))
        for name, fault in (
            ("undisturbed", bench.undisturbed),
            ("killed with -9", bench.killed),
            ("worker killed", bench.worker_killed),
            ("disk full", bench.disk_full),
            ("corrupted pictures", bench.corrupted),
        ):
            start = time.monotonic()
            equal, said = fault()
            failed = failed or not equal
            print(
                f"{name:20}{'equal' if equal else 'DIFFERENT':12}"
                f"{time.monotonic() - start:8.0f}  {said}",
                flush=True,
            )
    sys.exit(failed)


class _Bench:
    """The faults; each returns whether the records are right, and a remark."""

    def __init__(self, folder, chance):
        self.folder = folder
        self.chance = chance
        self.images = jsonl_set.write(folder / "data", _IMAGES.value)
        jsonl_set.save_cnn(folder / "cnn.keras")
        self.whole = None  # what an undisturbed run writes

    def undisturbed(self):
        output = self.folder / "whole"
        status, said = self._run(output)
        if status:
            sys.exit(f"the undisturbed run failed:\n{said}")
        self.whole = _content(output)
        return True, f"{_IMAGES.value} images, {len(self.whole)} files"

    def killed(self):
        output = self.folder / "killed"
        moments = []
        while len(moments) < _KILLS.value:
            left = _IMAGES.value - _finished(output)
            step = max(1, left // (_KILLS.value - len(moments) + 1))
            wanted = self.chance.randint(1, step)
            process = self._start(output)
            done = self._wait_for_images(process, output, wanted)
            if done is None:
                system.kill(process)
                said = f"no images after kill {len(moments)}: {self._said()}"
                return False, said
            system.kill(process)
            moments.append(done)
        status, _ = self._run(output)
        said = f"{len(moments)} kills, at {moments[0]} to {moments[-1]} images"
        return self._same(output), f"{said}; then status {status}"

    def worker_killed(self):
        output = self.folder / "worker"
        process = self._start(output, *_TWO_WORKERS)
        wanted = self.chance.randint(1, _IMAGES.value // 2)
        done = self._wait_for_images(process, output, wanted)
        workers = system.descendants(
            process.pid, "apache_beam.runners.worker.sdk_worker_main"
        )
        if done is None or not workers:
            system.kill(process)
            return False, f"no worker was found: {self._said()}"
        os.kill(self.chance.choice(workers), signal.SIGKILL)
        try:
            process.wait(_PATIENCE)
            said = f"ended with status {process.returncode}"
        except subprocess.TimeoutExpired:
            said = f"hung for {_PATIENCE} s and was killed"
        system.kill(process)
        said = f"1 of {len(workers)} workers killed at {done} images; {said}"
        status, _ = self._run(output, *_TWO_WORKERS)
        return self._same(output), f"{said}; again: status {status}"

    def disk_full(self):
        output = self.folder / "full"
        output.mkdir()
        needed = sum(map(len, self.whole.values()))
        with contextlib.ExitStack() as stack:
            mounted = system.mount(output, needed // 2, stack)
            limit = None if mounted else needed // 10
            status, error = self._run(output, file_bytes=limit)
            if mounted:
                system.remount(output, 20 * needed)
            again, _ = self._run(output)
            said = (
                f"{'tmpfs' if mounted else 'limit on files'}: status {status}, "
                f"{' '.join(error.split())[:160]!r}; again: status {again}"
            )
            plain = status == 2 and "Traceback" not in error
            return plain and self._same(output), said

    def corrupted(self):
        count = min(_CORRUPTED.value, len(self.images) * 9 // 10)
        chosen = self.chance.sample(self.images, count)
        kinds = list(corrupt.kinds())
        for number, (_, path) in enumerate(chosen):
            corrupt.corrupt(path, kinds[number % len(kinds)])
        output = self.folder / "corrupted"
        status, error = self._run(output, "--allow_dropped")
        if status:
            return False, f"status {status}: {error[-300:]}"
        lost = {image_id for image_id, _ in chosen}
        records = _records(self.folder / "whole")
        expected = {i: r for i, r in records.items() if i not in lost}
        dropped = [
            json.loads(line)
            for line in (output / "dropped.jsonl").read_text().splitlines()
        ]
        named = collections.Counter(str(item.get("id")) for item in dropped)
        counted = Records(output).info.dropped
        right = (
            _records(output) == expected
            and named == collections.Counter(lost)
            and sum(counted.values()) == count
        )
        return right, f"{count} of {len(kinds)} kinds, dropped: {counted}"

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
        """Runs the command; returns its status and what it said of errors."""
        status = self._start(output, *flags, file_bytes=file_bytes).wait()
        return status, self._said()

    def _said(self):
        text = (self.folder / "stderr.txt").read_text(errors="replace")
        # Not the lines of progress, nor what TensorFlow says as it starts.
        lines = [line for line in text.splitlines() if not _NOISE.search(line)]
        return "\n".join(lines)

    def _wait_for_images(self, process, output, more):
        """Waits until a run has made so many images more; None if it ends."""
        before = _finished(output)
        deadline = time.monotonic() + _PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            done = _finished(output)
            if done >= before + more:
                time.sleep(self.chance.random() / 50)
                return done
            time.sleep(0.002)
        return None

    def _same(self, output):
        return _content(output) == self.whole


def _finished(output):
    """How many images are in shards that are whole."""
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


if __name__ == "__main__":
    run(main)
