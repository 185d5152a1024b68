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
# # Quickstart: a model that shows where it looks
#
# Visual question answering means: a picture and a question go in, an answer
# comes out. `vqa_keras` is a collection of attention mechanisms for it, each a
# Keras layer, a model and an entry of the zoo. Attention gives every region of
# the picture a weight, so a model can show where it looked.
#
# This notebook takes one of them, `stacked`, all the way: data, training, heat
# maps, a saved model, a model to serve. It reads the records that `make demo`
# writes; this line writes them alone:
#
#     python -m pipelines.write_records --dataset=easy_vqa --output=demo/records
#
# The pictures of easy-VQA show one shape each, and its questions ask for the
# shape and the color.

# %%
import os
import pathlib

import keras
import tensorflow as tf

import vqa_keras
from vqa_keras.images import decode

# %% [markdown]
# Three environment variables let the same notebook run on other records, into
# another folder or for another time.

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
# Records are TFRecord files with one record an image: the picture, its
# questions, and the grid of features that a CNN made of it. The CNN ran once,
# when the records were written, so training does without it. `Records` opens
# the folder; its `info` lists the splits.

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
# It is always worth looking at an example before training on thousands.

# %%
example = next(records.images("test"))
for question in example.questions[:4]:
    print(f"{question.question} {question.answer}")

# %% [markdown]
# `load` gives a `tf.data.Dataset` of batches that `fit` takes as they are. Each
# pass over it is the next epoch, in an order that depends on the seed and the
# epoch only, so a run can be repeated.

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
# The preprocessor holds what turns text into numbers and back: the words that
# the tokenizer knows and the answers. It travels with the model, so that a
# saved model understands questions.

# %%
preprocessor = vqa_keras.models.VQAPreprocessor(
    vqa_keras.text.QuestionTokenizer(
        records.vocabulary, sequence_length=records.info.sequence_length
    ),
    records.answers,
)

# %% [markdown]
# The zoo builds a model by name: `vqa_keras.zoo.names()` lists them. The recipe
# of the entry gives every size that is not given here; these three have to fit
# the records.

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
# The model is a Keras model: your own loss, optimizer, metrics and callbacks
# work. Left out, the loss is the one that fits the model's probabilities.

# %%
schedule = keras.optimizers.schedules.CosineDecay(3e-3, len(train) * EPOCHS)
task.compile(optimizer=keras.optimizers.Adam(schedule))
history = task.fit(train, epochs=EPOCHS, validation_data=validation, verbose=2)

# %% [markdown]
# ## Is it any good?
#
# Some questions can be guessed without the image. The baselines are what the
# best guesses reach; a model has to be well above them to have looked at all.

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
print(f"always the most common answer    {baselines['majority']:6.2f} %")
print(f"best answer without the image    {baselines['question_only']:6.2f} %")
print(f"this model                       {100 * accuracy:6.2f} %")

# %% [markdown]
# ## Where did it look?
#
# The model was trained on features. With the CNN that made them it takes
# pictures: the twin has the same weights, and nothing is trained again.

# %%
asked = task.with_image_encoder(records.image_encoder())

# %% [markdown]
# `ask` returns the best answers, their probabilities, and one heat map for each
# hop. Bright cells had the most weight. An `Example` displays them as a card.


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
# Any picture and any question will do, also a file of yours:
# `show(decode(open("mine.png", "rb").read()), "what shape is it?")`.
# This card is kept as a page that needs no other file.

# %%
page = vqa_keras.visualization.page(show(image, "what color is the shape?"))
with open(OUTPUT / "answer.html", "w", encoding="utf-8") as file:
    file.write(page)

# %% [markdown]
# A look at numbers instead of colors: `attend` gives the weights of a whole
# batch. They sum to 1 over the regions of a picture.

# %%
inputs, _ = next(iter(test))
for name, weights in task.attend(inputs).items():
    print(name, weights.shape, "largest weight", weights.max())

# %% [markdown]
# ## Save and load
#
# A preset is a folder with everything that belongs to the model: weights,
# settings, words, answers and here the CNN. `from_preset` needs nothing else.

# %%
asked.save_to_preset(str(OUTPUT / "preset"))
restored = vqa_keras.models.VQA.from_preset(str(OUTPUT / "preset"))
print(restored.ask(image, "what color is the shape?", top_k=1).answers)

# %% [markdown]
# ## Serve
#
# A SavedModel takes the bytes of picture files and the text of questions. An
# export gets a number of its own, since a server may be reading the last one.

# %%
versions = OUTPUT / "saved_model"
number = 1 + max((int(p.name) for p in versions.glob("[0-9]*")), default=0)
path = vqa_keras.serving.export(restored, versions, version=number, top_k=3)
print(path)

# %% [markdown]
# From here on TensorFlow is enough: a program that asks the SavedModel does not
# import vqa_keras. `examples/ask_saved_model.py` is such a program.

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
#   crash; `evaluate` and `report` say how good the answers and the maps are.
# - Change one thing: `build_model("stacked", num_hops=1, ...)` looks once.
# - README.md lists the models, CONTRIBUTING.md how to add your own.
