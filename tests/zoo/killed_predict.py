"""Answers questions in a process that kills itself with SIGKILL at a point.

    python killed_predict.py POINT RUN --input=... --output=...

POINT is "line:7" (line 7 of this process is made, its batch is not written) or
"write:2" (half of the bytes of batch 2 are in the file).
"""

import builtins
import os
import runpy
import signal
import sys

from vqa_keras.runs import answers_file

when, number = sys.argv[1].split(":")
left = int(number)


def count():
    global left
    left -= 1
    return left == 0


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


class Killed(answers_file.AnswersFile):
    def _line(self, answered):
        if when == "line" and count():
            kill()
        return super()._line(answered)


class HalfWritten:
    def __init__(self, *arguments):
        self.file = builtins.open(*arguments)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def write(self, data):
        if when == "write" and count():
            self.file.write(data[: len(data) // 2])
            self.file.flush()
            kill()
        self.file.write(data)

    def flush(self):
        self.file.flush()


def opened(path, mode):
    halved = mode == "ab" and path.suffix == ".jsonl"
    return (HalfWritten if halved else builtins.open)(path, mode)


answers_file.open = opened
answers_file.AnswersFile = Killed
sys.argv = ["predict", *sys.argv[2:]]
runpy.run_module("vqa_keras.zoo.predict", run_name="__main__", alter_sys=True)
