# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Quickstart: train a model and draw its attention
#
# A model of visual question answering maps an image and a question to an
# answer. `vqa_keras` holds attention mechanisms for it, each a Keras layer, a
# model and an entry of the zoo. Attention gives every region of the image a
# weight, and the weights can be drawn as a heat map.
#
# This notebook takes one of them, `stacked`, from data to serving: training,
# heat maps, a saved model, an exported one. It reads the records that
# `make demo` writes; this command writes only those:
#
#     python -m pipelines.write_records --dataset=easy_vqa --output=demo/records
#
# Every image of easy-VQA shows one shape; the questions are about its shape and
# its color.

# %%
import os
import pathlib

import keras
import tensorflow as tf

import vqa_keras
from vqa_keras.images import decode

# %% [markdown]
# Three environment variables set other records, another output folder or
# another number of epochs.

# %%
RECORDS = pathlib.Path(os.environ.get("VQA_RECORDS", "demo/records"))
OUTPUT = pathlib.Path(os.environ.get("VQA_NOTEBOOK_OUTPUT", "demo/notebook"))
EPOCHS = int(os.environ.get("VQA_NOTEBOOK_EPOCHS", "6"))
BATCH_SIZE = 64
OUTPUT.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(0)

# %% [markdown]
# ## The data
#
# Records are TFRecord files with one record per image: the image, its
# questions, and its grid of CNN features. The CNN ran once, when the records
# were written: training does not need it. `Records` opens the folder; its
# `info` lists the splits.

# %%
records = vqa_keras.data.Records(RECORDS)
_, regions_dim = records.feature_shapes("regions")["regions"]
for name, split in records.info.splits.items():
    print(f"{name}: {split.images} images, {split.questions} questions")
print(
    f"a grid of {records.grid_shape} regions with {regions_dim} features each"
)
print("answers:", *records.answers)

# %% [markdown]
# The questions and answers of one image:

# %%
example = next(records.images("test"))
for question in example.questions[:4]:
    print(f"{question.question} {question.answer}")

# %% [markdown]
# `load` returns a `tf.data.Dataset` of batches for `fit`. Each pass over it is
# the next epoch, in an order that depends on the seed and the epoch only: a run
# can be repeated.

# %%
train = records.load(
    "train", BATCH_SIZE, shuffle=True, seed=0, in_vocabulary_only=True
)
validation = records.load("validation", BATCH_SIZE)
test = records.load("test", BATCH_SIZE)
print(train.element_spec)

# %% [markdown]
# ## The model
#
# The preprocessor holds the vocabularies: the tokenizer's words and the
# answers. It is saved with the model, so that a saved model takes questions as
# text.

# %%
preprocessor = vqa_keras.models.VQAPreprocessor(
    records.tokenizer(),
    records.answers,
)

# %% [markdown]
# The zoo builds a model by name: `vqa_keras.zoo.names()` lists them. These
# three sizes must fit the records; the recipe of the entry gives all others.

# %%
task = vqa_keras.zoo.build_model(
    "stacked",
    vocabulary_size=len(records.vocabulary),
    num_classes=len(records.answers),
    regions_dim=regions_dim,
    preprocessor=preprocessor,
)
task.backbone.summary()

# %% [markdown]
# The task is a Keras model: your own loss, optimizer, metrics and callbacks
# work. The default loss fits the activation of the model's head.

# %%
schedule = keras.optimizers.schedules.CosineDecay(3e-3, len(train) * EPOCHS)
task.compile(optimizer=keras.optimizers.Adam(schedule))
history = task.fit(train, epochs=EPOCHS, validation_data=validation, verbose=2)

# %% [markdown]
# ## Accuracy
#
# Some questions can be answered without the image. The baselines are the
# accuracies of the best such guesses; only a model that uses the image is well
# above both.

# %%
questions = {
    split: [
        (question.question, question.answer)
        for question in records.questions(split)
    ]
    for split in ("train", "test")
}
baselines = vqa_keras.metrics.baselines(questions["train"], questions["test"])
accuracy = task.evaluate(test, verbose=0, return_dict=True)["accuracy"]
print(f"majority answer         {baselines['majority']:6.2f} %")
print(f"same question's answer  {baselines['same_question']:6.2f} %")
print(f"this model              {100 * accuracy:6.2f} %")

# %% [markdown]
# ## Attention
#
# The model was trained on features. `with_image_encoder` returns a task that
# takes images: it has the same weights and includes the CNN of the records.

# %%
asked = task.with_image_encoder(records.image_encoder())

# %% [markdown]
# `ask` returns the best answers, their probabilities, and one heat map for each
# hop, bright where the weight is large. An `Example` displays them as a card.


# %%
def show(image, question):
    answer = asked.ask(image, question, top_k=3)
    return vqa_keras.visualization.Example(
        image=image,
        question=question,
        answers=answer.answers,
        probabilities=answer.probabilities,
        attention=answer.attention,
        words=answer.words,
    )


image = decode(example.image)
show(image, example.questions[0].question)

# %% [markdown]
# The same for a file of yours: `show(decode("mine.png"), "what shape is it?")`.
# `page` returns the card as an HTML page that needs no other file.

# %%
page = vqa_keras.visualization.page(show(image, "what color is the shape?"))
with open(OUTPUT / "answer.html", "w", encoding="utf-8") as file:
    file.write(page)

# %% [markdown]
# `attend` returns the weights of a whole batch as arrays. They sum to 1 over
# the regions of an image.

# %%
inputs, _ = next(iter(test))
for name, weights in task.attend(inputs).items():
    print(name, weights.shape, "largest weight", weights.max())

# %% [markdown]
# ## Save and load
#
# A preset is a folder with the whole model: weights, settings, words, answers
# and here the CNN. `from_preset` needs nothing else.

# %%
asked.save_to_preset(str(OUTPUT / "preset"))
restored = vqa_keras.models.VQA.from_preset(str(OUTPUT / "preset"))
print(restored.ask(image, "what color is the shape?", top_k=1).answers)

# %% [markdown]
# ## Serve
#
# A SavedModel takes the bytes of image files and the text of questions. Each
# export gets a new version number, since a server may be reading the last one.

# %%
versions = OUTPUT / "saved_model"
number = 1 + max((int(p.name) for p in versions.glob("[0-9]*")), default=0)
path = vqa_keras.serving.export(restored, versions, version=number, top_k=3)
print(path)

# %% [markdown]
# The SavedModel needs TensorFlow only, not vqa_keras.
# `examples/ask_saved_model.py` is a program that calls it.

# %%
served = tf.saved_model.load(str(path)).signatures["serving_default"]
outputs = served(
    images=tf.constant([example.image]),
    questions=tf.constant(["what color is the shape?"]),
)
for answer, score in zip(
    outputs["answers"].numpy()[0], outputs["scores"].numpy()[0], strict=True
):
    print(f"{score:7.2%}  {answer.decode()}")

# %% [markdown]
# ## What next
#
# - `python -m vqa_keras.zoo.train stacked --data=demo/records --output=run`
#   trains with the whole recipe, keeps the best epoch and continues after a
#   crash; `evaluate` measures accuracy and grounding, `report` draws examples.
# - Change one argument: `build_model("stacked", num_hops=1, ...)` has one hop.
# - README.md lists the models, CONTRIBUTING.md the steps to add your own.
