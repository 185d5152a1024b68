r"""Writes a data set as records: images, CNN features, questions and answers.

    python -m pipelines.write_records --dataset=easy_vqa --output=DIR

reads the data set, builds both vocabularies from its training split, runs a
CNN over every image and writes TFRecord shards and, last, dataset_info.json;
`vqa_keras.data.load(DIR, "train", batch_size=64)` reads them. A run that was
killed goes on where it was when the same command is given again, and a
finished one is left as it is. Other arguments need another --output, or
--overwrite. Images that cannot be read are left out and named in
DIR/dropped.jsonl.

All other flags are options of Apache Beam. In two processes:

    python -m pipelines.write_records --dataset=easy_vqa --output=DIR \
        --direct_running_mode=multi_processing --direct_num_workers=2

As a job that is submitted to a server, here Beam's own local one; any machine
that workers run on must see DIR under the same path:

    python -m apache_beam.runners.portability.local_job_service_main \
        --port=8099 &
    python -m pipelines.write_records --dataset=easy_vqa --output=DIR \
        --runner=PortableRunner --job_endpoint=localhost:8099 \
        --environment_type=LOOPBACK
"""

from absl import flags

from pipelines.beam_options import beam_options
from pipelines.records_pipeline import READERS
from pipelines.records_pipeline import write_records
from vqa_keras import command

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
    "grid_cnn",
    "CNN whose features are stored: a keras.applications name (ResNet50), a "
    "KerasHub preset, a .keras file, grid_cnn, or none to store pictures only.",
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
    "Side of the images for the CNN. Default: the size the CNN is made for.",
    lower_bound=1,
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
flags.DEFINE_float(
    "validation_fraction",
    0.1,
    "Part of the training images that becomes the validation split.",
    lower_bound=0,
    upper_bound=0.9,
)
flags.DEFINE_integer("seed", 0, "Chooses the validation images.")
flags.DEFINE_bool("store_images", True, "Whether pictures are stored too.")
flags.DEFINE_bool(
    "allow_dropped",
    False,
    "Whether to go on when more than 1 % of the images cannot be used.",
)
flags.DEFINE_bool(
    "overwrite", False, "Whether records in --output are written anew."
)


def main(argv):
    options = beam_options(argv[1:], known=list(FLAGS))
    write_records(
        options,
        dataset=FLAGS.dataset,
        input_folder=FLAGS.input,
        output=FLAGS.output,
        image_encoder=FLAGS.image_encoder,
        levels=FLAGS.levels,
        image_size=FLAGS.image_size,
        sequence_length=FLAGS.sequence_length,
        min_word_count=FLAGS.min_word_count,
        min_answer_count=FLAGS.min_answer_count,
        top_answers=FLAGS.top_answers,
        batch_size=FLAGS.batch_size,
        images_per_shard=FLAGS.images_per_shard,
        validation_fraction=FLAGS.validation_fraction,
        seed=FLAGS.seed,
        store_images=FLAGS.store_images,
        allow_dropped=FLAGS.allow_dropped,
        overwrite=FLAGS.overwrite,
    )


if __name__ == "__main__":
    command.run(main, keep_unknown=True)
