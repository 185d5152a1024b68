r"""Writes a data set as records: images, CNN features, questions and answers.

For your own images and questions, write DIR/train.jsonl with one line per
question (`vqa_keras/datasets/jsonl.py` lists the keys of a line, and the form
of a train.csv),

    {"question_id": 7, "image": "photos/door.jpg",
     "question": "what color is the door?", "answers": ["red"]}

and run

    python -m pipelines.write_records --dataset=jsonl --input=DIR \
        --output=RECORDS --image_encoder=ResNet50

The command reads the data set, builds both vocabularies from the training
split, runs a CNN over every image and writes TFRecord shards and, last,
dataset_info.json. `vqa_keras.data.load(RECORDS, "train", batch_size=64)` reads
the records; `python -m pipelines.inspect_records RECORDS` prints their
statistics. The same command resumes a killed run from its finished shards and
leaves finished records unchanged. Other arguments require another --output, or
--overwrite. Images and questions that cannot be used are dropped, counted and
listed in RECORDS/dropped.jsonl.

With --vocabularies=RUN the words and answers are those of a trained model, so
that it can be evaluated on the records or trained on them; a test split alone
is then enough. --answers_of=data keeps only its words.

Other data sets: --dataset=vqa_v2, vqa_v1, gqa, vizwiz, okvqa, clevr, daquar or
coco_qa, with --input as the folder of the unpacked official archives (the file
of that name in `vqa_keras/datasets` lists them), --dataset=easy_vqa from its
Python package, --dataset=sort_of_clevr, which is generated. --images names the
folder of the images if they are not below --input.

All other flags are options of Apache Beam. In two processes:

    python -m pipelines.write_records --dataset=easy_vqa --output=RECORDS \
        --direct_running_mode=multi_processing --direct_num_workers=2

docs/scale.md has the commands for job servers and clusters.
"""

from absl import flags

from pipelines.beam_options import beam_options
from pipelines.dead_worker import ends_if_a_worker_dies
from pipelines.model_vocabularies import read_model_vocabularies
from vqa_keras import command
from vqa_keras.data.records import FEATURE_DTYPES
from vqa_keras.datasets.readers import READERS
from vqa_keras.text import ANSWER_RULES
from vqa_keras.writing.feature_source import FeatureSource
from vqa_keras.writing.records_pipeline import write_records
from vqa_keras.writing.text_options import ANSWERS_OF
from vqa_keras.writing.text_options import TextOptions

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "dataset",
    None,
    f"Required. Data set, one of: {', '.join(READERS)}. jsonl is your own, in "
    ".jsonl or .csv files.",
    required=True,
)
flags.DEFINE_string(
    "input",
    None,
    "Folder of the data set. Required, except with sort_of_clevr, which is "
    "generated, and easy_vqa, whose default is the installed package.",
)
flags.DEFINE_string(
    "images",
    None,
    "Folder that the images' paths are below. Default: --input.",
)
flags.DEFINE_string(
    "output",
    None,
    "Required. Folder of the records: new, empty, or one that the same command "
    "began.",
    required=True,
)
flags.DEFINE_string(
    "image_encoder",
    None,
    "CNN whose features are stored: grid_cnn (small, for drawings; the "
    "default), efficientnet_lite0 (for photographs), a keras.applications "
    "name, a KerasHub preset (also of a ViT, DINOv2, CLIP or SigLIP), a .keras "
    "file, or none to store images only.",
)
flags.DEFINE_string(
    "weights",
    None,
    "Weights of a CNN given by name: imagenet (the default), none for random "
    "weights, or a file.",
)
flags.DEFINE_list(
    "region_features",
    None,
    "Precomputed features in place of a CNN: .tsv files, or folders of .npz or "
    ".npy files, one per image; vqa_keras/writing/region_features.py documents "
    "the forms.",
)
flags.DEFINE_list(
    "levels",
    None,
    "Feature maps, by names of layers or pyramid levels. Default: the last "
    "one.",
)
flags.DEFINE_integer(
    "image_size",
    None,
    "Side of the CNN's input in pixels; with 448, many CNNs compute 14 x 14 "
    "cells. Default: the size the CNN is made for.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "pool",
    None,
    "Averages blocks of this many x this many neighboring cells.",
    lower_bound=2,
)
flags.DEFINE_bool(
    "l2_normalize", False, "Scales the features of each cell to L2 norm 1."
)
flags.DEFINE_enum(
    "feature_dtype",
    "float16",
    sorted(FEATURE_DTYPES),
    "Dtype of the stored features: bfloat16 for values above 65,504.",
)
flags.DEFINE_integer(
    "sequence_length",
    None,
    "Words kept per question, from its end. Default: the 99th percentile of "
    "the training questions, or of all where there is no training split.",
    lower_bound=1,
)
flags.DEFINE_bool(
    "strip_accents",
    None,
    "Drops the accents of words: an e with an acute is an e. Default: as the "
    "model of --vocabularies, else false.",
)
flags.DEFINE_string(
    "vocabularies",
    None,
    "Folder of a run, or name of a shipped preset, whose words and answers the "
    "records take. Default: those of the training split are counted.",
)
flags.DEFINE_enum(
    "answers_of",
    None,
    ANSWERS_OF,
    "With --vocabularies: the answers of the run, or of the training split of "
    "the data. Default: run.",
)
flags.DEFINE_enum(
    "answer_rule",
    None,
    list(ANSWER_RULES),
    "Class of an answer. text: its text, trimmed and case folded; vqa: as the "
    "VQA challenge normalizes it. Default: vqa for vqa_v1 and vqa_v2, else "
    "text.",
)
flags.DEFINE_integer(
    "min_word_count",
    1,
    "Words that occur less often become [UNK].",
    lower_bound=1,
)
flags.DEFINE_integer(
    "min_answer_count",
    1,
    "Answers that occur less often are not classes.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "top_answers",
    None,
    "Largest number of classes, the most frequent answers. Default: all.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "batch_size", 32, "Images per batch of the CNN.", lower_bound=1
)
flags.DEFINE_integer(
    "images_per_shard",
    512,
    "Largest number of images per file, the unit that a killed command loses; "
    "large images make smaller files.",
    lower_bound=1,
)
flags.DEFINE_float(
    "max_megapixels",
    None,
    "Images of more megapixels are dropped before they are decoded; 24 bytes "
    "of memory per pixel. Default: 50.",
)
# Flags of readers have no default here: each reader has its own.
flags.DEFINE_float(
    "validation_fraction",
    None,
    "Fraction of the training images that becomes the validation split, if the "
    "data set has none. Default: 0.1.",
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
    "train_images", None, "sort_of_clevr: training images. Default: 9,800."
)
flags.DEFINE_integer(
    "validation_images",
    None,
    "sort_of_clevr: validation images. Default: 200.",
)
flags.DEFINE_integer(
    "test_images", None, "sort_of_clevr: test images. Default: 200."
)
flags.DEFINE_integer(
    "num_objects", None, "sort_of_clevr: objects per image. Default: 6."
)
flags.DEFINE_integer(
    "drawing_size", None, "sort_of_clevr: pixels per side. Default: 75."
)
flags.DEFINE_bool(
    "store_images",
    None,
    "Stores the images too. Default: true, but false with --region_features.",
)
flags.DEFINE_bool(
    "allow_dropped",
    False,
    "Continues if more than 1 % of the images or of the questions cannot be "
    "used.",
)
flags.DEFINE_bool(
    "overwrite", False, "Replaces the records that are in --output."
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
        text=TextOptions(
            min_word_count=FLAGS.min_word_count,
            min_answer_count=FLAGS.min_answer_count,
            top_answers=FLAGS.top_answers,
            sequence_length=FLAGS.sequence_length,
            strip_accents=FLAGS.strip_accents,
            answer_rule=FLAGS.answer_rule,
        ),
        vocabularies=read_model_vocabularies(
            FLAGS.vocabularies, FLAGS.answers_of
        ),
        batch_size=FLAGS.batch_size,
        images_per_shard=FLAGS.images_per_shard,
        max_megapixels=FLAGS.max_megapixels,
        store_images=store_images,
        allow_dropped=FLAGS.allow_dropped,
        overwrite=FLAGS.overwrite,
        **{name: value for name, value in given.items() if value is not None},
    )


if __name__ == "__main__":
    with ends_if_a_worker_dies():
        command.run(main, keep_unknown=True)
