"""Trains in a zoo of its own and kills itself with SIGKILL at a point.

    python killed_command.py ZOO POINT ENTRY --data=... --output=...

POINT is "after:2" (epoch 2 is saved), "in:3" (one step into epoch 3) or
"saving:3" (the logs of epoch 3 have their name, its weights have not).
"""

import os
import pathlib
import runpy
import signal
import sys

from vqa_keras.runs import checkpoints
from vqa_keras.zoo import recipe

zoo, point = pathlib.Path(sys.argv[1]), sys.argv[2]
recipe.entries = lambda: zoo
when, epoch = point.split(":")


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


class Killed(checkpoints.Checkpoints):
    def on_epoch_begin(self, number, logs=None):
        super().on_epoch_begin(number, logs)
        self.number = number + 1

    def on_train_batch_end(self, step, logs=None):
        if (when, self.number, step) == ("in", int(epoch), 1):
            kill()

    def on_epoch_end(self, number, logs=None):
        super().on_epoch_end(number, logs)
        if (when, number + 1) == ("after", int(epoch)):
            kill()


def replace(source, target, replace=os.replace):
    if pathlib.Path(target).name == f"epoch_{epoch}.weights.h5":
        if when == "saving":
            kill()
    replace(source, target)


os.replace = replace
checkpoints.Checkpoints = Killed
sys.argv = ["train", *sys.argv[3:]]
runpy.run_module("vqa_keras.zoo.train", run_name="__main__", alter_sys=True)
