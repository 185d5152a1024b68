r"""Writes a data set as records: images, CNN features, questions and answers.

Your own images and questions, DIR/train.jsonl with a line for each question
(`vqa_keras/datasets/jsonl.py` lists the keys of a line),

    {"question_id": 7, "image": "photos/door.jpg",
     "question": "what color is the door?", "answers": ["red"]}

become records by

    python -m pipelines.write_records --dataset=jsonl --input=DIR \
        --output=RECORDS --image_encoder=ResNet50

It reads the data, builds both vocabularies from the training split, runs a CNN
over every image and writes TFRecord shards and, last, dataset_info.json;
`vqa_keras.data.load(RECORDS, "train", batch_size=64)` reads them and
`python -m pipelines.inspect_records RECORDS` shows what they hold. A run that
was killed goes on from its finished shards when the same command is given
again, and a finished one is left as it is. Other arguments need another
--output, or --overwrite. Images and questions that cannot be used are left out,
counted and named in RECORDS/dropped.jsonl.

Other data: --dataset=vqa_v2 or vqa_v1 with --input naming the folder where the
official archives were unpacked, --dataset=easy_vqa from its Python package,
--dataset=sort_of_clevr, which is generated.

All other flags are options of Apache Beam. In two processes:

    python -m pipelines.write_records --dataset=easy_vqa --output=RECORDS \
        --direct_running_mode=multi_processing --direct_num_workers=2

docs/scale.md has the commands for job servers and clusters.
"""

from absl import flags

from pipelines.beam_options import beam_options
from pipelines.dead_worker import ends_if_a_worker_dies
from vqa_keras import command
from vqa_keras.data.records import FEATURE_DTYPES
from vqa_keras.datasets.readers import READERS
from vqa_keras.writing.feature_source import FeatureSource
from vqa_keras.writing.records_pipeline import write_records

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "dataset", None, f"Data set, one of: {', '.join(READERS)}.", required=True
)
flags.DEFINE_string(
    "input", None, "Folder of the data set. Default: the installed package's."
)
flags.DEFINE_string(
    "output", None, "Folder of the records; new or empty.", required=True
)
flags.DEFINE_string(
    "image_encoder",
    None,
    "CNN whose features are stored: grid_cnn (small, for drawings; the "
    "default), efficientnet_lite0 (for photographs), a keras.applications "
    "name, a KerasHub preset, a .keras file, or none to store images only.",
)
flags.DEFINE_string(
    "weights",
    None,
    "Weights of a network that is named: imagenet (the default), none for "
    "random ones, or a file.",
)
flags.DEFINE_list(
    "region_features",
    None,
    "Precomputed features in place of a CNN: bottom-up-attention .tsv files, "
    "or a folder of .npz files, one an image.",
)
flags.DEFINE_list(
    "levels",
    None,
    "Feature maps, by the names of their layers or pyramid levels. Default: "
    "the last one.",
)
flags.DEFINE_integer(
    "image_size",
    None,
    "Side of the images for the CNN; 448 gives many of them 14 x 14 cells. "
    "Default: the size the CNN is made for.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "pool",
    None,
    "Averages so many x so many neighboring cells into one.",
    lower_bound=2,
)
flags.DEFINE_bool(
    "l2_normalize", False, "Scales the features of every cell to length 1."
)
flags.DEFINE_enum(
    "feature_dtype",
    "float16",
    sorted(FEATURE_DTYPES),
    "How features are stored: bfloat16 for those above 65,504.",
)
flags.DEFINE_integer(
    "sequence_length",
    None,
    "Words that are kept of a question. Default: the longest training "
    "question, at most 14.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "min_word_count", 1, "Rarer words are unknown words.", lower_bound=1
)
flags.DEFINE_integer(
    "min_answer_count", 1, "Rarer answers are no classes.", lower_bound=1
)
flags.DEFINE_integer(
    "top_answers",
    None,
    "At most so many of the most frequent answers are classes. Default: all.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "batch_size", 32, "Images in one call of the CNN.", lower_bound=1
)
flags.DEFINE_integer(
    "images_per_shard", 512, "Images in one file, at most.", lower_bound=1
)
# Those of readers have no default here: each reader has its own.
flags.DEFINE_float(
    "validation_fraction",
    None,
    "Part of the training images that becomes the validation split, where the "
    "data has none. Default: 0.1.",
    lower_bound=0,
    upper_bound=0.9,
)
flags.DEFINE_integer(
    "seed",
    None,
    "Chooses the validation images, or the drawings of sort_of_clevr. "
    "Default: 0.",
)
flags.DEFINE_integer(
    "train_images", None, "sort_of_clevr: images. Default: 9,800."
)
flags.DEFINE_integer(
    "validation_images", None, "sort_of_clevr: images. Default: 200."
)
flags.DEFINE_integer(
    "test_images", None, "sort_of_clevr: images. Default: 200."
)
flags.DEFINE_integer(
    "num_objects", None, "sort_of_clevr: objects of an image. Default: 6."
)
flags.DEFINE_integer(
    "drawing_size", None, "sort_of_clevr: pixels of a side. Default: 75."
)
flags.DEFINE_bool(
    "store_images",
    None,
    "Whether images are stored too. Default: yes, but not beside "
    "--region_features.",
)
flags.DEFINE_bool(
    "allow_dropped",
    False,
    "Whether to go on when more than 1 % of the images cannot be used.",
)
flags.DEFINE_bool(
    "overwrite", False, "Whether records in --output are written anew."
)


OF_READERS = {name for r in READERS.values() for name in r.ARGUMENTS}


def main(argv):
    options = beam_options(argv[1:], known=list(FLAGS))
    store_images = FLAGS.store_images
    if store_images is None:
        store_images = not FLAGS.region_features
    given = {name: FLAGS[name].value for name in sorted(OF_READERS)}
    write_records(
        options,
        dataset=FLAGS.dataset,
        input_folder=FLAGS.input,
        output=FLAGS.output,
        features=FeatureSource(
            image_encoder=FLAGS.image_encoder,
            weights=FLAGS.weights,
            region_features=FLAGS.region_features,
            levels=FLAGS.levels,
            image_size=FLAGS.image_size,
            pool=FLAGS.pool,
            l2_normalize=FLAGS.l2_normalize,
            feature_dtype=FLAGS.feature_dtype,
        ),
        sequence_length=FLAGS.sequence_length,
        min_word_count=FLAGS.min_word_count,
        min_answer_count=FLAGS.min_answer_count,
        top_answers=FLAGS.top_answers,
        batch_size=FLAGS.batch_size,
        images_per_shard=FLAGS.images_per_shard,
        store_images=store_images,
        allow_dropped=FLAGS.allow_dropped,
        overwrite=FLAGS.overwrite,
        **{name: value for name, value in given.items() if value is not None},
    )


if __name__ == "__main__":
    with ends_if_a_worker_dies():
        command.run(main, keep_unknown=True)
