"""Measures the memory of writing and reading many records.

    python benchmarks/memory.py [--images=50000]

Each row is the peak resident memory of a separate process:

    prepare             python -m pipelines.write_records in one process, from
                        jsonl with three questions per image, with a small CNN
                        whose grids are 7 x 7 x 64. The images share 64 files;
                        each image is a separate record.
    read                an epoch of `vqa_keras.data.load`, shuffled, in batches
                        of 256 questions.
    inspect             python -m pipelines.inspect_records.

A fourth row is a process that only imports TensorFlow, for comparison. The
limit is 3 GiB: if the ratio of a row is above 1, the command ends with status
1.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from absl import flags
from support import jsonl_set

from vqa_keras.command import run

_IMAGES = flags.DEFINE_integer("images", 50_000, "Images.", lower_bound=10)

_LIMIT = 3 * 2**30
_ROOT = pathlib.Path(__file__).resolve().parents[1]
_FILES = 64
# A child starts with the memory of its parent, which counts for its peak: the
# parent must be a small process.
_WATCH = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(status != 0)
"""
_READ = """
import sys
from vqa_keras.data import load
batches = load(sys.argv[1], "train", 256, shuffle=True)
for inputs, targets in batches:
    pass
"""


def main(argv):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        jsonl_set.write(folder / "data", _IMAGES.value, _FILES)
        cnn = folder / "cnn.keras"
        jsonl_set.save_cnn(cnn)
        records = folder / "records"
        inspect = ["-m", "pipelines.inspect_records", str(records)]
        commands = {
            "prepare": jsonl_set.command(folder / "data", records, cnn),
            "read": [sys.executable, "-c", _READ, str(records)],
            "inspect": [sys.executable, *inspect],
            "import tensorflow": [sys.executable, "-c", "import tensorflow"],
        }
        print(f"{'':18}{'MiB':>8}{'of 3 GiB':>10}{'seconds':>9}", flush=True)
        largest = 0
        for name, command in commands.items():
            peak, seconds = _measure(name, command)
            largest = max(largest, peak)
            print(
                f"{name:18}{peak / 2**20:8.0f}{peak / _LIMIT:10.2f}"
                f"{seconds:9.1f}",
                flush=True,
            )
    sys.exit(largest > _LIMIT)


def _measure(name, command):
    """Runs a command; returns its peak memory in bytes and its seconds."""
    environment = os.environ | {
        "PYTHONPATH": str(_ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-S", "-c", _WATCH, *command],
        env=environment,
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - start
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        sys.exit(f"{name} failed")
    unit = 1 if sys.platform == "darwin" else 1024
    return int(done.stdout) * unit, seconds


if __name__ == "__main__":
    run(main)
