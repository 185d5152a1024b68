"""The commands of docs/scale.md use flags and options that exist."""

import pathlib
import re
import shlex

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.beam_options import beam_options
from vqa_keras.errors import UserError

ROOT = pathlib.Path(__file__).parents[1]
MANUAL = ROOT / "docs" / "scale.md"
COMMAND = "python -m pipelines.write_records"
TEXT = MANUAL.read_text(encoding="utf-8").replace("\\\n", " ")
COMMANDS = [
    line.strip()
    for line in TEXT.splitlines()
    if line.strip().startswith(f"{COMMAND} ")
]


@pytest.fixture(scope="module")
def ours():
    # Read, not imported: its flags would meet those of other commands.
    source = (ROOT / "pipelines" / "write_records.py").read_text("utf-8")
    return set(re.findall(r'flags\.DEFINE_\w+\(\s*"(\w+)"', source))


def name_of(option):
    return option.removeprefix("--").split("=")[0]


def test_every_way_has_its_command():
    assert set(re.findall(r"--runner=(\w+)", " ".join(COMMANDS))) == {
        "PortableRunner",
        "FlinkRunner",
        "SparkRunner",
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_every_flag_of_a_command_is_ours_or_known_to_beam(command, ours):
    given = shlex.split(command.removeprefix(COMMAND))
    theirs = [option for option in given if name_of(option) not in ours]
    beam_options(theirs)  # refuses others
    with pytest.raises(UserError):
        beam_options([*theirs, "--no_such_option=1"])


def test_every_option_in_the_text_is_ours_or_known_to_beam(ours):
    parsers = []
    options = PipelineOptions([])
    options.get_all_options(add_extra_args_fn=parsers.append)
    known = ours | set(map(name_of, parsers[0]._option_string_actions))
    named = re.findall(r"`(--[^`]+)`", TEXT.replace("\n", " "))
    named = [option for text in named for option in re.findall(r"--\w+", text)]
    assert len(named) > 8
    assert set(map(name_of, named)) <= known
