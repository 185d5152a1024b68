"""What a user installs holds everything that the checkout offers."""

import os
import pathlib
import re
import subprocess
import sys
import tomllib
import zipfile

import pytest

from tests.readme_test import block

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def run(*command, cwd, path=""):
    """Returns what the command printed to stdout; it must succeed."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site-packages")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def files(folder, pattern):
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_wheel_is_named_after_the_project_and_version(wheel):
    assert wheel.name == f"vqa_keras-{PROJECT['version']}-py3-none-any.whl"


@pytest.mark.parametrize("package", ["vqa_keras", "pipelines"])
def test_wheel_carries_every_module(installed, package):
    modules = files(ROOT / package, "*.py")
    assert modules
    assert files(installed / package, "*.py") == modules


def test_wheel_carries_the_whole_zoo(installed):
    entries = files(ROOT / "zoo", "*")
    assert "stacked/recipe.toml" in entries
    assert files(installed / "vqa_keras" / "zoo" / "entries", "*") == entries


def test_wheel_carries_the_answer_tables_and_the_license(installed):
    tables = pathlib.Path("vqa_keras", "text", "answer_tables.json")
    assert (installed / tables).read_bytes() == (ROOT / tables).read_bytes()
    assert files(installed, "LICENSE")


def test_wheel_carries_no_tests_and_no_machine_files(installed):
    folders = {path.name for path in installed.iterdir()}
    metadata = f"vqa_keras-{PROJECT['version']}.dist-info"
    assert folders == {"vqa_keras", "pipelines", metadata}


def test_installed_package_finds_its_own_entries(installed, tmp_path):
    program = (
        "from vqa_keras.zoo import recipe; "
        "print(recipe.entries(), *recipe.names(), sep='\\n'); "
        "recipe.load_recipe('stacked')"
    )
    lines = run("-c", program, cwd=tmp_path, path=installed).splitlines()
    entries = installed / "vqa_keras" / "zoo" / "entries"
    recipes = sorted(p.parent.name for p in (ROOT / "zoo").glob("*/*.toml"))
    assert lines == [str(entries.resolve()), *recipes]


def test_quickstart_runs_from_an_installed_package(installed, tmp_path):
    """As printed in the README, where nothing but the package lies."""
    preset = installed / "vqa_keras" / "zoo" / "entries" / "stacked" / "preset"
    assert (preset / "results.json").is_file()
    code = block("Quickstart")
    program = f"{code}\nprint(image)\nprint(vqa_keras.__file__)"
    *printed, image, module = run(
        "-c", program, cwd=tmp_path, path=installed
    ).splitlines()
    assert printed[0] == "blue"
    assert image == str((preset / "example.png").resolve())
    assert module == str(installed / "vqa_keras" / "__init__.py")
    assert (tmp_path / "answer.html").is_file()


@pytest.mark.slow
@pytest.mark.beam
def test_pipeline_starts_from_an_installed_package(installed, tmp_path):
    help_text = run(
        "-m",
        "pipelines.write_records",
        "--help",
        cwd=tmp_path,
        path=installed,
    )
    assert "--dataset" in help_text


def test_every_dependency_is_locked():
    """Each name of pyproject.toml that `make` installs has a version."""
    lock = (ROOT / "constraints.txt").read_text()
    extras = PROJECT["optional-dependencies"]
    wanted = PROJECT["dependencies"] + extras["dev"]
    for extra in ("pipelines", "data", "tensorboard", "wordnet"):
        wanted = wanted + extras[extra]
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9_-]+", requirement).group()
        if name != PROJECT["name"]:
            assert re.search(rf"^{name}==", lock, re.MULTILINE), name


def test_every_locked_version_has_a_hash():
    lock = (ROOT / "constraints.txt").read_text().replace("\\\n", "")
    lines = lock.splitlines()
    assert lines
    for line in lines:
        requirement, *hashes = line.split(" --hash=")
        assert "==" in requirement
        assert hashes, requirement
        for digest in hashes:
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest.strip()), line


def test_make_installs_what_has_a_hash_and_then_the_package_alone():
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", "")
    installs = re.findall(r"\$\(BIN\).*pip install(.*)", makefile)
    locked, package = [line for line in installs if " uv" not in line]
    assert "--require-hashes" in locked and "--only-binary=:all:" in locked
    assert "--no-deps" in package and "--no-build-isolation" in package


def test_lock_names_no_host_and_no_cuda():
    lock = (ROOT / "constraints.txt").read_text()
    assert "://" not in lock
    assert "nvidia" not in lock
