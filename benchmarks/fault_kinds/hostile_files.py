"""Files that a stranger could send: each must be refused, and run no code.

A maker takes a `pathlib.Path` of an empty folder and that of the workspace's
outputs, and returns a function that opens what it made. Code that runs leaves a
file named `CANARY` in the folder.
"""

import io
import json
import os
import pickle
import shutil
import zipfile

import h5py
import keras
import numpy as np
from support import bombs
from support import jsonl_set

from fault_kinds import signatures
from vqa_keras import image_encoders
from vqa_keras import images
from vqa_keras.image_encoders.torch_weights import read_torch_weights
from vqa_keras.json_hash import json_sha256

CANARY = "canary"
_DEEP = "[" * 200_000
_HUGE = 2**26  # bytes


def _bomb(make):
    def opened(folder, whole):
        (folder / "image").write_bytes(make())
        return lambda: images.decode(folder / "image")

    return opened


def _cnn(config, **files):
    """Returns the maker of a `.keras` file with a config of its own."""

    def opened(folder, whole):
        path = folder / "cnn.keras"
        jsonl_set.save_cnn(path)
        with zipfile.ZipFile(path) as archive:
            content = {n: archive.read(n) for n in archive.namelist()}
        content["config.json"] = config(content["config.json"], folder)
        content |= {name: make() for name, make in files.items()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        return lambda: image_encoders.load(str(path))

    return opened


def _foreign(text, folder):
    """Returns a config of a class whose module leaves the canary."""
    _write_module(folder)
    config = json.loads(text)
    config["module"], config["registered_name"] = "canary_module", None
    config["class_name"] = "Layer"
    return json.dumps(config).encode()


def _foreign_part(text, folder):
    _write_module(folder)
    config = json.loads(text)
    layer = config["config"]["layers"][-1]
    layer["module"], layer["class_name"] = "canary_module", "Layer"
    layer["registered_name"] = None
    return json.dumps(config).encode()


def _lambda(text, folder):
    path = str(folder / CANARY)
    layer = keras.layers.Lambda(lambda x: open(path, "w") and x)
    config = json.loads(text)
    saved = keras.saving.serialize_keras_object(layer)
    last = config["config"]["layers"][-1]
    saved["inbound_nodes"] = last.get("inbound_nodes", [])
    saved["name"] = last.get("name")
    saved["config"]["name"] = last.get("name")
    config["config"]["layers"][-1] = saved
    return json.dumps(config).encode()


def _write_module(folder):
    code = f"open({str(folder / CANARY)!r}, 'w')\nLayer = object\n"
    (folder / "canary_module.py").write_text(code)


def _run_file(name, change, door="load_run"):
    """Returns the maker of a run whose file `name` is changed."""

    def opened(folder, whole):
        run = folder / "run"
        ignored = shutil.ignore_patterns("training")
        shutil.copytree(whole / "run", run, ignore=ignored)
        text = (run / name).read_bytes() if (run / name).is_file() else b""
        (run / name).write_bytes(change(text, folder))
        if door == "preset":  # of a stranger, who leaves out the hashes
            (run / "results.json").unlink()
            return lambda: signatures.from_preset(run)
        return lambda: signatures.DOORS[door](run)

    return opened


def _foreign_backbone(text, folder):
    _write_module(folder)
    config = json.loads(text)
    backbone = config["config"].get("backbone", config)
    backbone["module"], backbone["class_name"] = "canary_module", "Layer"
    backbone["registered_name"] = "canary_module>Layer"
    return json.dumps(config).encode()


def _huge_weights(text, folder):
    path = folder / "huge.h5"
    path.write_bytes(text)
    with h5py.File(path, "a") as file:
        names = []
        file.visititems(
            lambda name, item: (
                names.append(name) if isinstance(item, h5py.Dataset) else None
            )
        )
        for name in names:
            del file[name]
            shape = (_HUGE * 64,)
            file.create_dataset(name, shape, "float32", chunks=(2**20,))
    return path.read_bytes()


def _deep(text, folder):
    return _DEEP.encode()


def _huge(text, folder):
    return b"[" + b"0," * (_HUGE // 2) + b"0]"


class _Canary:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def _torch(folder, whole):
    path = folder / "weights.pth"
    path.write_bytes(pickle.dumps(_Canary(folder / CANARY), 2))
    return lambda: read_torch_weights(path)


def _regions(suffix):
    def opened(folder, whole):
        features = folder / "features"
        shutil.copytree(whole / "regions", features)
        hostile = np.array([_Canary(folder / CANARY)], object)
        for path in features.glob("*.npz"):
            if suffix == "npz":
                np.savez(path, features=hostile, boxes=np.zeros((5, 4)))
            else:
                path.unlink()
                np.save(path.with_suffix(".npy"), hostile)
        return lambda: signatures.regions(features)

    return opened


def _npz_bomb(folder, whole):
    features = folder / "features"
    shutil.copytree(whole / "regions", features)
    header = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (_HUGE, 8)}
    np.lib.format.write_array_header_1_0(header, shape)
    for path in features.glob("*.npz"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            data = header.getvalue() + bytes(_HUGE)
            archive.writestr("features.npy", data)
    return lambda: signatures.regions(features)


def _records(change):
    def opened(folder, whole):
        copy = folder / "records"
        shutil.copytree(whole / "records", copy)
        change(copy, folder)
        return lambda: signatures.records(copy)

    return opened


def _link(name):
    def change(copy, folder):
        os.replace(copy / name, folder / "outside")
        (copy / name).symlink_to(folder / "outside")

    return change


def _named_above(copy, folder):
    path = copy / "dataset_info.json"
    info = json.loads(path.read_text())
    shard = info["splits"]["train"]["shards"][0]
    os.replace(copy / shard["name"], folder / shard["name"])
    shard["name"] = f"../{shard['name']}"
    if "sha256" in info:
        info["sha256"] = json_sha256(info)
    path.write_text(json.dumps(info))


def _info(text):
    def change(copy, folder):
        (copy / "dataset_info.json").write_bytes(text(b"", folder))

    return change


def _keras_bomb():
    return bytes(_HUGE * 8)


MAKERS = {
    "PNG of 144 megapixels": _bomb(bombs.png),
    "GIF of 64 megapixels": _bomb(lambda: bombs.gif(2, 8_000)),
    "WebP of 256 megapixels": _bomb(bombs.webp),
    ".keras, config of 512 MB": _cnn(lambda text, folder: _keras_bomb()),
    ".keras, weights of 512 MB": _cnn(
        lambda text, folder: text, **{"model.weights.h5": _keras_bomb}
    ),
    ".keras, deep config": _cnn(_deep),
    ".keras, huge config": _cnn(_huge),
    ".keras, foreign class": _cnn(_foreign),
    ".keras, foreign layer": _cnn(_foreign_part),
    ".keras, Lambda": _cnn(_lambda),
    **{
        f"{name} of a run, {how} by {door}": _run_file(name, change, door)
        for name, changes in {
            "results.json": {"deep": _deep, "huge": _huge},
            "task.json": {"deep": _deep, "foreign": _foreign_backbone},
            "config.json": {"deep": _deep, "foreign": _foreign_backbone},
            "tokenizer.json": {"deep": _deep, "huge": _huge},
            "model.weights.h5": {"4 G values": _huge_weights},
        }.items()
        for how, change in changes.items()
        for door in ("load_run", "preset")
        if (name, door) != ("results.json", "preset")
    },
    ".pth that calls": _torch,
    ".npz that calls": _regions("npz"),
    ".npy that calls": _regions("npy"),
    ".npz, declared size of 2 GB": _npz_bomb,
    "shard linked": _records(_link("test-00000-of-00001.tfrecord")),
    "vocabulary linked": _records(_link("question_vocabulary.txt")),
    "shard named ../": _records(_named_above),
    "dataset_info.json, deep": _records(_info(_deep)),
    "dataset_info.json, huge": _records(_info(_huge)),
}
