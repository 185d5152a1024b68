"""Where and with what a result was reached, for results.json."""

import importlib.metadata
import os
import pathlib
import platform
import shlex
import subprocess
import sys

import keras
import tensorflow as tf

_PACKAGES = ("keras", "keras-hub", "tensorflow", "jax", "numpy", "vqa-keras")


def provenance() -> dict:
    """Returns command, commit, backend, device and versions as a dict."""
    command = pathlib.Path(sys.argv[0]).stem
    return {
        "command": f"python -m vqa_keras.zoo.{command} "
        + shlex.join(sys.argv[1:]),
        "commit": _commit(),
        "backend": keras.config.backend(),
        "device": _device(),
        "versions": {"python": platform.python_version(), **_versions()},
    }


def _versions():
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _device():
    cores = f"{os.cpu_count()} CPU cores, {platform.machine()}"
    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return "; ".join([*gpus, cores])


def _commit():
    folder = pathlib.Path(__file__).parent
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None  # an installed wheel is no checkout
