"""The origin of a run: command, commit, backend, device, versions."""

import importlib.metadata
import os
import pathlib
import platform
import shlex
import subprocess
import sys

import keras
import tensorflow as tf

from vqa_keras.runs.results import Provenance

_PACKAGES = ("keras", "keras-hub", "tensorflow", "jax", "numpy", "vqa-keras")


def provenance() -> Provenance:
    """Returns the `Provenance` of this process."""
    command = pathlib.Path(sys.argv[0]).stem
    return Provenance(
        command=f"python -m vqa_keras.zoo.{command} "
        + shlex.join(sys.argv[1:]),
        commit=_commit(),
        backend=keras.config.backend(),
        device=_device(),
        versions={"python": platform.python_version(), **_versions()},
    )


def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _device() -> str:
    cores = f"{os.cpu_count()} CPU cores, {platform.machine()}"
    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return "; ".join([*gpus, cores])


def _commit() -> str | None:
    folder = pathlib.Path(__file__).parent
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None  # an installed wheel is no checkout
