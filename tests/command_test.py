import pathlib
import re
import runpy
import subprocess
import sys

import pytest

from tests.fixtures.in_process import run_main

# TensorFlow logs during its import, before logging can be configured.
LOG_OF_TENSORFLOW = re.compile(r"([IWE]\d{4} |WARNING: All log |To enable )")
ROOT = pathlib.Path(__file__).parents[1]
SCRIPT = '''"""Counts sheep.

    python count.py --sheep=3
"""
from absl import flags
from vqa_keras import command
from vqa_keras.errors import UserError

SHEEP = flags.DEFINE_integer("sheep", None, "How many sheep.", required=True)

def main(argv):
    if SHEEP.value > 3:
        names = " ".join(argv[1:]) or "many"
        raise UserError(f"--sheep must be at most 3. Received: {names}")
    if SHEEP.value < 0:
        raise OSError(28, "No space left on device")
    print(SHEEP.value, argv[1:], 6 // SHEEP.value)

command.run(main{options})
'''


@pytest.fixture
def script(tmp_path):
    """Returns `script(options="")`, the path of a command that counts sheep."""

    def script(options=""):
        path = tmp_path / "count.py"
        path.write_text(SCRIPT.replace("{options}", options))
        return path

    return script


@pytest.fixture
def call(script):
    """Returns `call(*arguments, options="")`, the result in this process."""

    def call(*arguments, options=""):
        path = str(script(options))
        return run_main(
            lambda: runpy.run_path(path, run_name="__main__"), path, *arguments
        )

    return call


@pytest.fixture
def start(script):
    """Returns `start(*arguments)`, the result of a separate process."""

    def start(*arguments):
        return subprocess.run(
            [sys.executable, script(), *arguments],
            capture_output=True,
            text=True,
            env={"PYTHONPATH": str(ROOT)},
        )

    return start


def own_lines(stderr):
    lines = stderr.splitlines()
    return [line for line in lines if not LOG_OF_TENSORFLOW.match(line)]


def test_main_gets_what_is_left_of_the_command_line(call):
    done = call("--sheep=2", "word")
    assert (done.status, done.stdout) == (0, "2 ['word'] 3\n")


def test_a_misspelt_flag_ends_with_status_2_and_no_traceback(call):
    done = call("--sheeps=2")
    assert done.status == 2
    assert done.stderr.startswith("error: ")
    assert "sheeps" in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr


def test_a_missing_or_wrong_flag_ends_with_status_2(call):
    for arguments in ([], ["--sheep=two"]):
        done = call(*arguments)
        assert done.status == 2
        assert "sheep" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_mistake_of_the_user_ends_with_status_2_and_one_line(start):
    done = start("--sheep=4")
    assert done.returncode == 2
    assert own_lines(done.stderr) == [
        "error: --sheep must be at most 3. Received: many"
    ]


def test_a_message_holds_no_commands_for_a_terminal(call):
    done = call("--sheep=4", "a\x1b[2J\u2028\rb", "\udcffc", "\u00fc")
    assert done.stderr == (
        "error: --sheep must be at most 3. Received: a\\x1b[2J\\u2028\\rb "
        "\\udcffc \u00fc\n"
    )


def test_a_full_disk_ends_with_status_2_and_what_to_do(call):
    done = call("--sheep=-1")
    assert done.status == 2
    assert "The disk is full" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_bug_keeps_its_traceback(start):
    done = start("--sheep=0")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("flag", ["--help", "--helpfull"])
def test_help_prints_docstring_and_flags_and_ends_with_status_0(call, flag):
    done = call(flag)
    assert done.status == 0
    assert "Counts sheep." in done.stdout
    assert "How many sheep." in done.stdout


def test_unknown_flags_are_left_for_main_if_asked(call):
    done = call("--sheep=1", "--wolf=2", options=", keep_unknown=True")
    assert done.stdout == "1 ['--wolf=2'] 6\n"
    assert call("--help", options=", keep_unknown=True").status == 0
