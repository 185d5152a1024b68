"""Opens the source of the records' features: a CNN, or files of features."""

import dataclasses
import os
import pathlib
from typing import Any

import keras

from vqa_keras.data.features import FILES
from vqa_keras.data.features import Features
from vqa_keras.datasets.question import Dropped
from vqa_keras.datasets.question_table import QuestionTable
from vqa_keras.errors import UserError
from vqa_keras.image_encoders import load as load_encoder
from vqa_keras.image_encoders import pool_and_normalize
from vqa_keras.writing.record_maker import REGIONS
from vqa_keras.writing.region_index import RegionIndex
from vqa_keras.writing.region_index import index_region_features
from vqa_keras.writing.saved_encoder import describe_encoder
from vqa_keras.writing.saved_encoder import save_encoder
from vqa_keras.writing.work_folder import WorkFolder

NO_ENCODER = "none"
_DEFAULT_ENCODER = "grid_cnn"
_INDEX = "region_features.sqlite"
_OF_A_CNN = ("weights", "levels", "image_size", "pool", "l2_normalize")


@dataclasses.dataclass(frozen=True)
class FeatureSource:
    """Source of features, by the flags of `pipelines.write_records`.

    Args:
        image_encoder: str, name of a CNN, or "none". Defaults to None:
            "grid_cnn", or no CNN with `region_features`.
        weights: "imagenet", "none" or a file. Defaults to None: "imagenet".
        region_features: list of str, files and folders of precomputed features
            that replace a CNN. Defaults to None.
        levels: list of str, names of feature maps. Defaults to None: the last
            one.
        image_size: int, side of the CNN's input in pixels. Defaults to None:
            the size that the CNN is made for.
        pool: int or None (default), see
            `vqa_keras.image_encoders.pool_and_normalize`.
        l2_normalize: bool, see there. Defaults to False.
        feature_dtype: "float16" (default) or "bfloat16".

    Raises:
        UserError: if arguments contradict each other.
    """

    image_encoder: str | None = None
    weights: str | None = None
    region_features: list[str] | None = None
    levels: list[str] | None = None
    image_size: int | None = None
    pool: int | None = None
    l2_normalize: bool = False
    feature_dtype: str = "float16"

    def __post_init__(self):
        if not self.region_features:
            return
        if self.image_encoder not in (None, NO_ENCODER):
            raise UserError(
                "Features must come from --image_encoder or --region_features. "
                "Received: both"
            )
        self._check_cnn("--region_features")

    @property
    def cnn(self) -> str | None:
        """Name of the CNN, or None without one."""
        if self.region_features or self.image_encoder == NO_ENCODER:
            return None
        return self.image_encoder or _DEFAULT_ENCODER

    def check(self, store_images: bool) -> None:
        """Raises a `UserError` for arguments without effect."""
        if self.cnn or self.region_features:
            return
        if not store_images:
            raise UserError(
                "Records must hold features or images. Received: "
                "--image_encoder=none and --nostore_images"
            )
        self._check_cnn("--image_encoder=none")

    def _check_cnn(self, received: str) -> None:
        for name in _OF_A_CNN:
            if getattr(self, name):
                raise UserError(
                    f"--{name} must be used with a CNN. Received: {received}"
                )

    def open(self, work: WorkFolder, table: QuestionTable) -> "OpenFeatures":
        """Loads the CNN, or indexes the files of features.

        Rows that belong to no image are recorded in the table as dropped.
        """
        if self.region_features:
            return self._open_files(self.region_features, work, table)
        if self.cnn is None:
            return OpenFeatures()
        weights = self.weights or "imagenet"
        loaded: Any = None if weights == "none" else weights
        encoder = pool_and_normalize(
            load_encoder(self.cnn, self.image_size, self.levels, loaded),
            self.pool,
            self.l2_normalize,
        )
        described = describe_encoder(
            encoder,
            self.cnn,
            self.levels,
            weights=weights,
            pool=self.pool,
            l2_normalize=self.l2_normalize,
            feature_dtype=self.feature_dtype,
        )
        return OpenFeatures(described, encoder)

    def _open_files(
        self, paths: list[str], work: WorkFolder, table: QuestionTable
    ) -> "OpenFeatures":
        scan = index_region_features(paths, work.path / _INDEX)
        for row in scan.dropped:
            table.drop(Dropped(None, "features", row.row, row.reason))
        described = Features(
            source=FILES,
            name=", ".join(pathlib.Path(path).name for path in paths),
            weights_sha256=scan.sha256,
            levels={REGIONS: (None, scan.channels)},
            dtype=self.feature_dtype,
        )
        return OpenFeatures(described, region_index=scan.region_index)

    def arguments(self, described: Features | None) -> dict[str, Any]:
        """Returns the arguments that the records depend on, by name."""
        return {
            "image_encoder": described and described.name,
            "weights_sha256": described and described.weights_sha256,
            "weights": self.weights,
            "levels": self.levels,
            "image_size": self.image_size,
            "pool": self.pool,
            "l2_normalize": self.l2_normalize,
            "feature_dtype": self.feature_dtype,
        }


@dataclasses.dataclass(frozen=True)
class OpenFeatures:
    """An open source of features.

    Args:
        described: `Features`, as `dataset_info.json` describes them, or None
            (default).
        encoder: `keras.Model`, the CNN, or None (default).
        region_index: `RegionIndex` of the files of features, or None (default).
    """

    described: Features | None = None
    encoder: keras.Model | None = None
    region_index: RegionIndex | None = None

    @property
    def levels(self) -> list[str]:
        """Names of the CNN's outputs."""
        if self.encoder is None or self.described is None:
            return []
        return list(self.described.levels)

    def save(self, output: str | os.PathLike[str]) -> str | None:
        """Saves the CNN beside the records; returns its path, or None."""
        if self.encoder is None:
            return None
        return str(save_encoder(self.encoder, output))
