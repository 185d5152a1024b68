"""results.json: read as objects, written to the byte, refused by name."""

import copy
import json

import pytest

from tests.fixtures.small_results import WITH_FILES as RESULTS
from vqa_keras.errors import UserError
from vqa_keras.files import write_json
from vqa_keras.files import zoo_folder
from vqa_keras.json_hash import json_sha256
from vqa_keras.runs.figures import Evaluation
from vqa_keras.runs.results import RunResults
from vqa_keras.runs.results import read_published
from vqa_keras.runs.results import read_results
from vqa_keras.runs.settings import Settings

FILES = sorted(
    path.relative_to(zoo_folder()).as_posix()
    for path in zoo_folder().rglob("results.json")
)
OPTIONAL = {  # in files of this version or of all versions
    "accuracy.per_question_type",
    "baselines.per_question_type",
    "baselines.per_answer_type",
    "grounding.regions_1.questions",
    "grounding.regions_1.per_question_type",
    "grounding.regions_1.per_question_type.color.questions",
    "vqa_accuracy",
    "threshold",
    "calibration",
    "outside",
    "counts",
    "trainable_parameters",
    "weights_sha256",
    "flops_per_question",
    "selected",
    "image_encoder",
    "files",
}
FREE = ("mechanism", "inputs", "epochs")  # of the recipe, which is not read


def paths(value, *path):
    """The paths of all values in nested dicts, but of free keys."""
    for key, item in value.items():
        if path[:1] != ("recipe",) or key not in FREE:
            yield (*path, key)
            if isinstance(item, dict):
                yield from paths(item, *path, key)


PATHS = list(paths(RESULTS))
NAMED = {  # a dict of any keys: a type, an attention, a package, a file
    "grounding.regions_1",
    "baselines.per_question_type.color",
    "baselines.per_answer_type.other",
    "baselines.per_answer_type.yes/no",
    "grounding.regions_1.per_question_type.color",
    "accuracy.per_question_type.color",
    "accuracy.per_answer_type.other",
    "accuracy.per_answer_type.yes/no",
    "outside.per_question_type.color",
    "outside.per_answer_type.other",
    "outside.per_answer_type.yes/no",
    "counts.per_question_type.color",
    "counts.per_answer_type.other",
    "counts.per_answer_type.yes/no",
    "vqa_accuracy.per_question_type.color",
    "vqa_accuracy.per_answer_type.other",
    "vqa_accuracy.per_answer_type.yes/no",
    "versions.python",
    "files.config.json",
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.json"


def changed(path, value=None):
    """`RESULTS` with another value at a path, or without it."""
    values = copy.deepcopy(RESULTS)
    inner = values
    for key in path[:-1]:
        inner = inner[key]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return values


def refusal(path, values):
    """The message that refuses the values, of one line that names the file."""
    path.write_text(json.dumps(values))
    with pytest.raises(UserError) as refused:
        read_results(path)
    message = str(refused.value)
    assert message.startswith(f"{path}") and "\n" not in message
    return message


@pytest.mark.parametrize("name", FILES)
def test_a_published_file_is_written_back_to_the_byte(name):
    path = zoo_folder() / name
    text = path.read_text(encoding="utf-8")
    if text.startswith("["):
        values = [results.to_json() for results in read_published(path)]
    else:
        values = read_results(path).to_json()
    assert json.dumps(values, indent=1) + "\n" == text


def test_every_field_is_a_key_in_order():
    results = RunResults.from_json(RESULTS, "results.json")
    assert json.dumps(results.to_json()) == json.dumps(RESULTS)
    assert isinstance(results.evaluation, Evaluation)
    assert results.evaluation.grounding["regions_1"].mass == 60
    assert results.evaluation.calibration.thresholds[1].accuracy == 87.5
    assert results.training.best_epoch == 1
    assert results.provenance.versions == {"python": "3.11.7"}


def test_a_run_without_an_evaluation_has_a_null_split():
    evaluation = Evaluation.__dataclass_fields__.keys() - {"split"}
    values = {k: v for k, v in RESULTS.items() if k not in evaluation}
    values["split"] = None
    results = RunResults.from_json(values, "results.json")
    assert results.evaluation is None
    assert json.dumps(results.to_json()) == json.dumps(values)


def test_a_question_only_run_is_a_baseline_beside_the_others():
    values = copy.deepcopy(RESULTS)
    both = {"majority": 50.0, "same_question": 62.5, "question_only": 63.5}
    values["baselines"] = {**both, "per_question_type": {"color": both}}
    results = RunResults.from_json(values, "results.json")
    assert results.evaluation.baselines.question_only == 63.5
    assert json.dumps(results.to_json()) == json.dumps(values)


def test_results_without_baselines_have_null_there():
    values = {**RESULTS, "baselines": None}
    results = RunResults.from_json(values, "results.json")
    assert results.evaluation.baselines is None
    assert json.dumps(results.to_json()) == json.dumps(values)


def test_keys_of_another_version_are_kept():
    values = {**RESULTS, "peak_memory": {"gpu": 1}}
    results = RunResults.from_json(values, "results.json")
    assert results.other == {"peak_memory": {"gpu": 1}}
    assert json.dumps(results.to_json()) == json.dumps(values)


@pytest.mark.parametrize("keys", PATHS, ids=".".join)
def test_a_value_of_another_type_is_named(path, keys):
    name = ".".join(keys)
    is_list = keys[-1] in ("history", "thresholds")
    wrong = "long ago" if is_list else [True]
    message = refusal(path, changed(keys, wrong))
    assert message.startswith(f"{path}: {name} must be ")
    assert message.endswith(f". Received: {wrong!r}")


@pytest.mark.parametrize("keys", PATHS, ids=".".join)
def test_a_missing_key_is_named_unless_older_files_lack_it(path, keys):
    name, values = ".".join(keys), changed(keys)
    if name in OPTIONAL | NAMED:
        sha256 = {"sha256": json_sha256(values)}
        values |= sha256 if "files" in values else {}
        path.write_text(json.dumps(values))
        assert json.dumps(read_results(path).to_json()) == json.dumps(values)
    else:
        message = refusal(path, values)
        assert message.startswith(f"{path}: {name} must be ")
        assert message.endswith(". Received: nothing")


@pytest.mark.parametrize(
    ("keys", "value", "expected"),
    [
        (("inputs",), "audio", "must be one of regions, grids, images."),
        (("seed",), 1.5, "must be a whole number. Received: 1.5"),
        (("seed",), True, "must be a whole number. Received: True"),
        (("seconds",), "9", "must be a number. Received: '9'"),
        (("history",), [{"loss": "low"}], r"\[0\].loss must be a number"),
        (("accuracy", "mean"), 1.0, "must hold overall, per_answer_type, "),
        (
            ("calibration", "thresholds"),
            [{"threshold": 0.5, "coverage": 50.0}],
            r"thresholds\[0\].accuracy must be a number or null. Received: not",
        ),
    ],
)
def test_the_message_tells_what_must_be_there(path, keys, value, expected):
    with pytest.raises(UserError, match=expected):
        RunResults.from_json(changed(keys, value), "results.json")


@pytest.mark.parametrize(
    "keys",
    [
        ("floors",),
        ("grounding", "hop_1"),
        ("grounding", "regions_1", "peak"),
        ("recipe", "num_nowhere"),
    ],
    ids=".".join,
)
def test_a_name_of_0_1_gives_the_command_that_renames_it(path, keys):
    values = changed(keys, 1.0)
    command = f"python -m vqa_keras.zoo.rename_results {path}"
    assert refusal(path, values).endswith(command)
    path.write_text(json.dumps([values]))
    with pytest.raises(UserError, match=command):
        read_published(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b"{}",
        b"[[]]",
        b"\xff\xfe",
        b'{"seconds": NaN}',
        b"[" * 100_000,
        b"[" * 900 + b"]" * 900,
    ],
)
def test_a_file_of_another_content_is_refused_in_one_line(path, content):
    path.write_bytes(content)
    for read in (read_results, read_published):
        if (read, content) != (read_published, b"[]"):
            with pytest.raises(UserError) as refused:
                read(path)
            assert str(path) in str(refused.value)
            assert "\n" not in str(refused.value)


def test_a_published_run_is_named_by_its_number(path):
    path.write_text(json.dumps([RESULTS, changed(("seed",), "zero")]))
    expected = "results.json, run 2: seed must be a whole number"
    with pytest.raises(UserError, match=expected):
        read_published(path)


def test_a_run_of_0_1_gives_the_command_that_trains_it_again(path):
    values = changed(("recipe", "model"), "StackedVQA")
    values["floors"] = values.pop("baselines")
    message = refusal(path, values)
    assert message.endswith(f"--noresume: {RESULTS['command']}")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(
        UserError, match="none/results.json must be a readable file"
    ):
        read_results(tmp_path / "none" / "results.json")


def test_a_misspelt_setting_of_a_recipe_is_refused():
    settings = {
        "inputs": "regions",
        "targets": "answer",
        "batch_size": 8,
        "epochs": 1,
        "learning_rate": 1,
        "seed": 0,
    }
    assert Settings.from_json(settings, "recipe").share_images is False
    with pytest.raises(UserError, match="recipe: .* Received: 'epoch'"):
        Settings.from_json({**settings, "epoch": 2}, "recipe")
    with pytest.raises(UserError, match="share_images must be true or false"):
        Settings.from_json({**settings, "share_images": 1}, "recipe")


def test_no_file_is_written_with_a_number_that_is_not_finite(path):
    with pytest.raises(UserError, match="must hold finite numbers. Received"):
        write_json(path, {"seconds": float("inf")})
    assert not path.exists()


def test_all_files_of_the_zoo_are_tried():
    assert len(FILES) > 20
    assert "stacked/preset/results.json" in FILES
