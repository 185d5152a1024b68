"""Where the features of records come from: a CNN, or files of them."""

import dataclasses
import pathlib

from vqa_keras.errors import UserError
from vqa_keras.image_encoders import load as load_encoder
from vqa_keras.image_encoders import postprocess
from vqa_keras.writing.record_maker import REGIONS
from vqa_keras.writing.region_features import index_region_features
from vqa_keras.writing.saved_encoder import describe_encoder
from vqa_keras.writing.saved_encoder import save_encoder

NO_ENCODER = "none"
_INDEX = "region_features.sqlite"


@dataclasses.dataclass
class Features:
    """The features of `pipelines.write_records`, by its flags.

    Args:
        image_encoder: name of a CNN, or "none".
        weights: "imagenet", "none" or a file.
        region_features: list of files and folders of precomputed features, in
            place of a CNN, or None.
        levels: list of names of feature maps, or None.
        image_size: int, or None.
        pool: int or None, see `vqa_keras.image_encoders.postprocess`.
        l2_normalize: bool, see there.
        feature_dtype: "float16" or "bfloat16".
    """

    image_encoder: str | None = None
    weights: str | None = None
    region_features: list | None = None
    levels: list | None = None
    image_size: int | None = None
    pool: int | None = None
    l2_normalize: bool = False
    feature_dtype: str = "float16"

    def __post_init__(self):
        self._encoder = self._index = None
        if self.region_features:
            self._of_files()
        elif self.image_encoder is None:
            self.image_encoder = "grid_cnn"

    def check(self, store_images):
        """Refuses flags that have nothing to act on."""
        if self.image_encoder != NO_ENCODER or self.region_features:
            return
        if not store_images:
            raise UserError(
                "Records needed features or pictures. Received: "
                "--image_encoder=none and --nostore_images"
            )
        for name in self._of_a_cnn():
            raise UserError(
                f"--{name} needed a CNN. Received: --image_encoder=none"
            )

    def _of_files(self):
        if self.image_encoder not in (None, NO_ENCODER):
            raise UserError(
                "Needed --image_encoder or --region_features. Received: both"
            )
        for name in self._of_a_cnn():
            raise UserError(
                f"--{name} needed a CNN. Received: --region_features"
            )
        self.image_encoder = NO_ENCODER

    def _of_a_cnn(self):
        names = ("weights", "levels", "image_size", "pool", "l2_normalize")
        return [name for name in names if getattr(self, name)]

    def describe(self, work, table):
        """Returns the entry image_encoder of `dataset_info.json`, or None.

        Loads the CNN, or scans the files of features; rows that are no image's
        are dropped in the table.
        """
        if self.region_features:
            self._index = work.path / _INDEX
            found = index_region_features(self.region_features, self._index)
            for row in found["dropped"]:
                table.drop(None, "features", row["row"], row["reason"])
            names = [pathlib.Path(path).name for path in self.region_features]
            return {
                "name": ", ".join(names),
                "file": None,
                "weights_sha256": found["sha256"],
                "image_size": None,
                "levels": {REGIONS: [None, found["channels"]]},
                "feature_dtype": self.feature_dtype,
            }
        if self.image_encoder == NO_ENCODER:
            return None
        weights = self.weights or "imagenet"
        self._encoder = postprocess(
            load_encoder(
                self.image_encoder,
                self.image_size,
                self.levels,
                None if weights == "none" else weights,
            ),
            self.pool,
            self.l2_normalize,
        )
        return describe_encoder(
            self._encoder,
            self.image_encoder,
            self.levels,
            weights=weights,
            pool=self.pool,
            l2_normalize=self.l2_normalize,
            feature_dtype=self.feature_dtype,
        )

    def arguments(self, described):
        """Returns what the records depend on, by name."""
        return {
            "image_encoder": described and described["name"],
            "weights_sha256": described and described["weights_sha256"],
            "weights": self.weights,
            "levels": self.levels,
            "image_size": self.image_size,
            "pool": self.pool,
            "l2_normalize": self.l2_normalize,
            "feature_dtype": self.feature_dtype,
        }

    def save(self, output):
        """Saves the CNN beside the records; returns its file, or None."""
        if self._encoder is None:
            return None
        return str(save_encoder(self._encoder, output))

    def contents(self, encoder_file, described):
        """Returns the features' part of `RecordMaker`'s contents."""
        region_features = None
        if self.region_features:
            region_features = {
                "paths": list(map(str, self.region_features)),
                "index_path": str(self._index),
            }
        return {
            "image_encoder": encoder_file,
            "levels": list(described["levels"]) if encoder_file else [],
            "region_features": region_features,
            "feature_dtype": self.feature_dtype,
        }
