"""What every reader's records hold, of small sets in their true formats."""

import hashlib
import importlib.util
import io
import json
import pathlib
import re
import shutil

import numpy as np
import tensorflow as tf
from PIL import Image

from tests.fixtures.records import run_pipeline

_TESTDATA = pathlib.Path(__file__).parents[1] / "testdata"
_FEATURES = r"features/[^/]+"
_DRAWN = {"train_images": 4, "validation_images": 2, "test_images": 2}
READERS = {
    "easy_vqa": {},
    "jsonl": {},
    "vqa_v1": {},
    "vqa_v2": {},
    "sort_of_clevr": _DRAWN,
    "region_features": {"dataset": "jsonl"},
    "grid_cnn": {"dataset": "jsonl", "image_encoder": "grid_cnn"},
}


def write(name, folder, images=8):
    """Writes the records of one of `READERS` below `folder`, and returns them.

    Args:
        name: str.
        folder: `pathlib.Path`, new.
        images: int, of the training split of easy_vqa; a quarter are tested.
    """
    arguments = dict(READERS[name])
    dataset = arguments.pop("dataset", name)
    source = _TESTDATA / dataset
    if dataset == "easy_vqa":
        source = easy_vqa(folder / "source", images)
    features = {"image_encoder": arguments.pop("image_encoder", "none")}
    if name == "region_features":
        source = _questions_about_regions(folder / "source")
        regions = _TESTDATA / "region_features" / "regions.tsv"
        features = {"region_features": [str(regions)]}
    return run_pipeline(
        folder / "records",
        features=features,
        dataset=dataset,
        input_folder=None if dataset == "sort_of_clevr" else source,
        images_per_shard=64,
        store_images=name != "region_features",
        **arguments,
    )


def easy_vqa(folder, images):
    """Copies the first images of the package easy-vqa and their questions."""
    package = importlib.util.find_spec("easy_vqa").submodule_search_locations[0]
    for split, count in (("train", images), ("test", images // 4)):
        found = pathlib.Path(package) / "data" / split
        target = folder / split
        (target / "images").mkdir(parents=True)
        rows = json.loads((found / "questions.json").read_text("utf-8"))
        kept = [row for row in rows if row[2] < count]
        (target / "questions.json").write_text(json.dumps(kept))
        for i in range(count):
            shutil.copy(found / "images" / f"{i}.png", target / "images")
    return folder


def _questions_about_regions(folder):
    """Questions about the three images that have region features."""
    folder.mkdir(parents=True)
    for split, image_ids in (("train", (9, 25)), ("validation", (30,))):
        lines = [
            json.dumps(
                {
                    "question_id": f"{image_id}-{i}",
                    "image": f"{image_id}.jpg",
                    "image_id": image_id,
                    "question": question,
                    "answers": [answer],
                }
            )
            for image_id in image_ids
            for i, (question, answer) in enumerate(
                [("is it real?", "no"), ("what is it?", "made up")]
            )
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def shard_hashes(written):
    """The sha256 of every shard, to compare on one machine."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(pathlib.Path(written.folder).glob("*.tfrecord"))
    }


def contents(written, name):
    """What the records hold, equal on all machines: hash by shard and field.

    Of stored images the pixels count, since a drawn one is compressed anew;
    features of a CNN are in `some_features`.
    """
    result = {}
    for path in sorted(pathlib.Path(written.folder).glob("*.tfrecord")):
        hashes = {}
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            example = tf.train.Example.FromString(record)
            for field, value in sorted(example.features.feature.items()):
                if name == "grid_cnn" and re.fullmatch(_FEATURES, field):
                    continue
                data = value.SerializeToString(deterministic=True)
                if field == "image":
                    image = Image.open(io.BytesIO(value.bytes_list.value[0]))
                    data = np.asarray(image.convert("RGB")).tobytes()
                hashes.setdefault(field, hashlib.sha256()).update(data)
        result[path.name] = {f: h.hexdigest() for f, h in hashes.items()}
    for file in sorted(pathlib.Path(written.folder).glob("*.txt")):
        result[file.name] = file.read_text("utf-8").split("\n")
    return result


def some_features(written):
    """Every 97th number of the features of each training image."""
    (path,) = pathlib.Path(written.folder).glob("train-*.tfrecord")
    rows = []
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        example = tf.train.Example.FromString(record)
        for field, value in sorted(example.features.feature.items()):
            if re.fullmatch(_FEATURES, field):
                data = value.bytes_list.value[0]
                rows.append(np.frombuffer(data, "float16")[::97])
    return np.stack(rows).astype("float32")
