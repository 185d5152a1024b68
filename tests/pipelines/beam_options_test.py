import pytest
from apache_beam.options.pipeline_options import DirectOptions
from apache_beam.options.pipeline_options import StandardOptions

from pipelines.beam_options import beam_options
from vqa_keras.errors import UserError
from vqa_keras.writing.beam_errors import user_errors


def test_the_default_runner_needs_no_network():
    assert beam_options([]).view_as(StandardOptions).runner == "FnApiRunner"


def test_options_of_beam_are_parsed():
    options = beam_options(
        ["--runner=PortableRunner", "--direct_num_workers=2"]
    )
    assert options.view_as(StandardOptions).runner == "PortableRunner"
    assert options.view_as(DirectOptions).direct_num_workers == 2


def test_a_misspelt_option_is_refused_with_the_closest_one():
    with pytest.raises(UserError, match="Did you mean --direct_num_workers"):
        beam_options(["--direct_num_worker=2"])
    with pytest.raises(UserError, match="Did you mean --image_size"):
        beam_options(["--imagesize=2"], known=["image_size"])
    with pytest.raises(UserError, match="Received: stray"):
        beam_options(["stray"])


def test_a_wrong_value_is_refused():
    with pytest.raises(UserError, match="direct_num_workers.*'two'"):
        beam_options(["--direct_num_workers=two"])


def test_the_error_of_a_worker_loses_the_frames_around_it():
    text = (
        "Traceback: ...\nvqa_keras.errors.UserError: `x` must be 1. Received: "
        "2 [while running 'Write']\n"
    )
    with pytest.raises(UserError, match="^`x` must be 1. Received: 2$"):
        with user_errors():
            raise RuntimeError(text)
    with pytest.raises(UserError, match="No space left"):
        with user_errors():
            raise RuntimeError("OSError: [Errno 28] No space left on device")


def test_other_errors_are_unchanged():
    with pytest.raises(RuntimeError, match="a bug"):
        with user_errors():
            raise RuntimeError("a bug")
