"""Keeps the import direction: a room imports lower floors only."""

import ast
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "vqa_keras"
# The rooms by their floor, from the ground.
FLOORS = [
    {
        "command",
        "compiled",
        "files",
        "finite_weights",
        "images",
        "json_hash",
        "layers",
        "lock",
    },
    {"preset_files"},
    {"image_encoders", "text", "visualization"},
    {"data", "datasets", "metrics", "serving"},
    {"presets"},
    {"models", "writing"},
    {"runs"},
    {"pipelines"},
    {"notebooks", "zoo"},
    {"benchmarks"},
]
OPEN_TO_ALL = {"attention_axes", "errors", "renamed"}
FLOOR = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
WITHOUT_TENSORFLOW = {"layers", "metrics", "visualization"}
# Where TensorFlow is not installed, functions that need it are not called.
IN_FUNCTIONS_ONLY = {"text", "models", "image_encoders"}
TENSORFLOW = {"tensorflow", "tensorflow_text"}
# What else a folder may use, where that is worth a promise.
ONLY_LIBRARIES = {"layers": {"keras"}, "visualization": {"numpy", "PIL"}}
BEAM_ROOMS = ("benchmarks", "pipelines", "writing")


AT_THE_TOP = ("benchmarks", "notebooks", "pipelines")
ROOMS = sorted(FLOOR)


def folder_path(folder):
    return ROOT / folder if folder in AT_THE_TOP else PACKAGE / folder


def files_of(folder):
    path = folder_path(folder)
    file = path.with_suffix(".py")
    return [file] if file.is_file() else sorted(path.rglob("*.py"))


def imported_names(source, package):
    """Absolute dotted names of all imports, also of those inside functions.

    `package` is the dotted package of the file, for relative imports.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                parts = package.split(".")
                above = parts[: len(parts) - node.level + 1]
                module = ".".join([*above, module] if module else above)
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            yield from _dynamic_import(node)


def _dynamic_import(call):
    """The name in `importlib.import_module("name")` or `__import__("name")`."""
    function = call.func
    name = getattr(function, "attr", None) or getattr(function, "id", None)
    if name in ("import_module", "__import__") and call.args:
        argument = call.args[0]
        if isinstance(argument, ast.Constant):
            yield argument.value


def imports_of(path):
    package = ".".join(path.relative_to(ROOT).parent.parts)
    return set(imported_names(path.read_text(encoding="utf-8"), package))


def folder_of(name):
    """The folder of ours that `name` belongs to; None for a library."""
    parts = name.split(".")
    if parts[0] in AT_THE_TOP:
        return parts[0]
    if parts[0] == "vqa_keras":
        return parts[1] if len(parts) > 1 else "vqa_keras itself"
    return None


def forbidden_imports(folder, names):
    """The imports of a file of `folder` that do not go down."""
    lower = {room for room in FLOOR if FLOOR[room] < FLOOR[folder]}
    allowed = lower | OPEN_TO_ALL | {folder, None}
    if folder in AT_THE_TOP or folder == "zoo":
        allowed |= {"vqa_keras itself"}
    for name in sorted(names):
        library = name.split(".")[0]
        if folder_of(name) not in allowed:
            yield name
        elif library in TENSORFLOW and folder in WITHOUT_TENSORFLOW:
            yield name
        elif (
            folder in ONLY_LIBRARIES
            and folder_of(name) is None
            and library not in sys.stdlib_module_names
            and library not in ONLY_LIBRARIES[folder]
        ):
            yield name


@pytest.mark.parametrize("folder", ROOMS)
def test_room_imports_lower_floors_only(folder):
    assert files_of(folder), f"{folder} has no Python file"
    for path in files_of(folder):
        assert not list(forbidden_imports(folder, imports_of(path))), path


def test_every_room_has_a_floor():
    packages = {path.parent.name for path in PACKAGE.glob("*/*.py")}
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert packages | modules <= FLOOR.keys() | OPEN_TO_ALL


def test_what_is_open_to_all_imports_nothing_of_ours():
    for module in OPEN_TO_ALL:
        names = imports_of(PACKAGE / f"{module}.py")
        assert {folder_of(name) for name in names} == {None} or not names


def test_only_writing_and_the_pipelines_import_beam():
    for room in ROOMS:
        for path in files_of(room):
            names = {name.split(".")[0] for name in imports_of(path)}
            assert "apache_beam" not in names or room in BEAM_ROOMS, path


@pytest.mark.parametrize("folder", sorted(IN_FUNCTIONS_ONLY))
def test_tensorflow_is_imported_only_inside_functions(folder):
    for path in files_of(folder):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            names = imported_names(ast.unparse(node), f"vqa_keras.{folder}")
            assert not TENSORFLOW & {n.split(".")[0] for n in names}, path


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("layers", "from vqa_keras.models import VQA"),
        ("layers", "from vqa_keras import models"),
        ("layers", "from ..text import vocabulary"),
        ("layers", "import vqa_keras.data.load"),
        ("layers", "def f():\n    import tensorflow as tf"),
        ("layers", "import importlib\nimportlib.import_module('tensorflow')"),
        ("layers", "import keras_hub"),
        ("models", "from vqa_keras.runs import run"),
        ("presets", "from vqa_keras.models import VQA"),
        ("metrics", "import tensorflow_text"),
        ("visualization", "import matplotlib.pyplot"),
        ("data", "from pipelines import write_records"),
        ("data", "from vqa_keras import *"),
        ("data", "import vqa_keras"),
        ("serving", "from vqa_keras.zoo import recipe"),
        ("runs", "from vqa_keras.zoo import recipe"),
        ("files", "from vqa_keras.layers import masked_mean"),
    ],
)
def test_finds_a_forbidden_import(folder, line):
    names = imported_names(line, f"vqa_keras.{folder}")
    assert list(forbidden_imports(folder, set(names)))


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("layers", "from keras import ops\nimport math"),
        ("layers", "from .parametric_attention import ParametricAttention"),
        ("layers", "from vqa_keras.layers import arguments"),
        ("data", "import tensorflow as tf\nfrom vqa_keras import errors"),
        ("models", "from vqa_keras import layers\nimport keras_hub"),
        ("models", "from vqa_keras import presets"),
        ("pipelines", "from vqa_keras.writing import transforms"),
        ("runs", "from vqa_keras.models import VQA"),
    ],
)
def test_allows_a_lawful_import(folder, line):
    package = folder if folder == "pipelines" else f"vqa_keras.{folder}"
    names = imported_names(line, package)
    assert not list(forbidden_imports(folder, set(names)))
