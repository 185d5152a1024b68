"""Results of 0.1 get the names of this version, and keep every number."""

import json

import pytest

OLD = {
    "floors": {"majority": 37.33071435955753},
    "grounding": {
        "hop_1": {"peak": 96.1335676625659, "chance": 1e-07},
        "hop_word": {"peak": 0.0},
    },
    "recipe": {"backbone": {"num_nowhere": 3, "num_hops": 2}},
    "history": [{"loss": 0.1}],
}
NEW = {
    "baselines": {"majority": 37.33071435955753},
    "grounding": {
        "regions_1": {"pointing_accuracy": 96.1335676625659, "chance": 1e-07},
        "regions_word": {"pointing_accuracy": 0.0},
    },
    "recipe": {"backbone": {"num_null_slots": 3, "num_hops": 2}},
    "history": [{"loss": 0.1}],
}


def test_names_change_and_numbers_stay(call, tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps([OLD, OLD]))
    done = call("rename_results", path)
    assert (done.status, done.stdout) == (0, f"renamed      {path}\n")
    assert path.read_text() == json.dumps([NEW, NEW], indent=1) + "\n"
    written = path.stat().st_mtime_ns
    done = call("rename_results", path)
    assert (done.status, done.stdout) == (0, f"current      {path}\n")
    assert path.stat().st_mtime_ns == written


@pytest.mark.parametrize("depth", [700, 950, 100_000])
def test_a_file_nested_too_deep_stays(call, tmp_path, depth):
    path = tmp_path / "results.json"
    text = '{"floors": ' * depth + "1" + "}" * depth
    path.write_text(text)
    done = call("rename_results", path)
    assert done.status == 2
    assert done.stderr.startswith(f"error: {path} must be ")
    assert done.stderr.count("\n") == 1
    assert path.read_text() == text


def test_a_file_that_is_no_json_stays(call, tmp_path):
    path = tmp_path / "results.json"
    path.write_text("{")
    done = call("rename_results", path)
    assert done.status == 2
    assert "results.json must be JSON at line 1, column 2" in done.stderr
    assert path.read_text() == "{"
    assert call("rename_results").status == 2
