import math

import keras
from keras import ops

from vqa_keras.models.frozen_layers import freeze
from vqa_keras.models.pyramid_backbone import PyramidBackbone
from vqa_keras.models.pyramid_backbone import shapes_by_level
from vqa_keras.models.vqa import VQA
from vqa_keras.models.vqa_backbone import VQABackbone
from vqa_keras.models.vqa_backbone import question_inputs
from vqa_keras.models.vqa_preprocessor import VQAPreprocessor


@keras.saving.register_keras_serializable(package="vqa_keras")
class Ensemble(VQABackbone):
    """Backbone of a task whose probabilities are the mean of its members'.

        p         = mean_i p_i
        fused     = log p, or log(p / (1 - p)) for "sigmoid"
        attention = mean_i attention_i, by name

    `fused` are the logits: the task on an ensemble has no head of its own. The
    members are tasks of one recipe, whole, without an image encoder; that of
    the ensemble is computed once for all of them. `ensemble` makes the task.

    Args:
        members: list of `VQA` with the same inputs, answers, activation and
            names of attention, and without an image encoder.
        image_encoder, dtype, name, trainable: as in `VQABackbone`. `dtype` is
            that of the members.

    Inputs, outputs: as of the members' backbone, `fused` in float32, `(B, A)`.

    Raises:
        ValueError: if there is no member, or if the members differ.
    """

    def __init__(
        self,
        members,
        image_encoder=None,
        dtype=None,
        name=None,
        trainable=True,
        **unknown,
    ):
        self.refuse(unknown)
        _check(members)
        first = members[0]
        # === Config ===
        self.vocabulary_size = first.backbone.vocabulary_size
        self.num_classes = first.num_classes
        self.activation = first.activation

        # === Layers ===
        self.given = ["image_encoder"] if image_encoder is not None else []
        if image_encoder is not None and not image_encoder.trainable:
            freeze(image_encoder)
        self.image_encoder = image_encoder
        self.question_encoder = self.contextualizer = None
        self.mean = _MeanOfMembers(members, dtype="float32", name="mean")

        # === Functional model ===
        inputs = self.image_inputs() | question_inputs()
        super(VQABackbone, self).__init__(
            inputs,
            self.compute(inputs),
            first.backbone.dtype_policy,
            name,
            trainable,
        )

    @property
    def members(self):
        """The tasks whose probabilities are averaged."""
        return self.mean.members

    def image_inputs(self):
        if self.image_encoder is not None:
            return super().image_inputs()
        return {
            name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
            for name, tensor in self.members[0].backbone.input.items()
            if name != "token_ids"
        }

    def compute(self, inputs):
        inputs = dict(inputs)
        if self.image_encoder is not None:
            outputs = self.image_encoder(inputs.pop("images"))
            inputs |= self._features(outputs)
        return self.mean(inputs)

    def _features(self, outputs):
        """Returns the members' inputs, from the outputs of the encoder."""
        if isinstance(self.members[0].backbone, PyramidBackbone):
            levels = enumerate(shapes_by_level(self.image_encoder), 1)
            return {f"grid_{i}": outputs[level] for i, level in levels}
        cells = math.prod(outputs.shape[1:3])
        regions = ops.reshape(outputs, (-1, cells, outputs.shape[-1]))
        mask = ops.ones_like(regions[..., 0], dtype="int32")
        return {"regions": regions, "regions_mask": mask}

    @property
    def grid_shape(self):
        """`(h, w)` of the grid whose cells are the regions, or None."""
        return self.members[0].backbone.grid_shape or super().grid_shape

    def check_features(self, image_encoder):
        self.members[0].backbone.check_features(image_encoder)

    def get_config(self):
        members = keras.saving.serialize_keras_object(list(self.members))
        return {**super().get_config(), "members": members}

    @classmethod
    def from_config(cls, config):
        members = [
            keras.saving.deserialize_keras_object(_in_dtype(member, config))
            for member in config["members"]
        ]
        return super().from_config({**config, "members": members})


class _MeanOfMembers(keras.layers.Layer):
    """Computes the outputs of an `Ensemble` from those of its members."""

    def __init__(self, members, **kwargs):
        super().__init__(**kwargs)
        self.members = list(members)
        self.built = True  # as all members are

    def call(self, inputs):
        logits, attention = [], []
        for member in self.members:
            outputs = member.backbone(inputs)
            of_member = member.head(outputs["fused"], inputs["token_ids"])
            logits.append(ops.cast(of_member, "float32"))
            attention.append(outputs["attention"])
        return {
            "fused": self.logits_of_mean(ops.stack(logits)),
            "attention": {
                name: _mean([weights[name] for weights in attention])
                for name in attention[0]
            },
        }

    def compute_output_spec(self, inputs):
        # Those of a member: traced, its layers would lose their own shapes.
        member = self.members[0]
        attention = member.backbone.output["attention"]
        return {
            "fused": keras.KerasTensor(member.output.shape, "float32"),
            "attention": {
                name: keras.KerasTensor(weights.shape, "float32")
                for name, weights in attention.items()
            },
        }

    def logits_of_mean(self, logits):
        """Returns the logits of the mean of probabilities, over axis 0."""
        if self.members[0].activation == "softmax":
            log_sum = ops.logsumexp(ops.log_softmax(logits, axis=-1), axis=0)
            return log_sum - math.log(len(self.members))
        return ops.logsumexp(ops.log_sigmoid(logits), axis=0) - ops.logsumexp(
            ops.log_sigmoid(-logits), axis=0
        )


def ensemble(tasks):
    """Returns a task whose answers are those of the mean of probabilities.

    Args:
        tasks: list of `VQA` of one recipe and preprocessor. The image encoder
            of the first, if it has one, must be that of all.

    Returns:
        `VQA` on an `Ensemble` of copies of the tasks.

    Raises:
        ValueError: if there is no task, or if they differ.

    Example:
    ```python
    task = vqa_keras.models.VQA.from_preset("stacked_easy_vqa")
    mean = vqa_keras.models.ensemble([task, task])  # of two seeds, in earnest
    image = vqa_keras.presets.example_image("stacked_easy_vqa")
    answer = mean.ask(image, "what color is the shape?")
    print(answer.answers[0])  # blue
    ```
    """
    tasks = list(tasks)
    _check(tasks)
    members = [task.without_image_encoder() for task in tasks]
    for number, member in enumerate(members, 1):
        member.preprocessor = None  # that of the ensemble is for all
        member.name = f"member_{number}"
    backbone = Ensemble(members, name="ensemble")
    preprocessor = tasks[0].preprocessor
    task = VQA(
        backbone,
        backbone.num_classes,
        preprocessor
        and VQAPreprocessor(preprocessor.tokenizer, preprocessor.answers),
        hidden_dim=None,
        dropout=0.0,
        activation=backbone.activation,
    )
    image_encoder = tasks[0].backbone.image_encoder
    if image_encoder is None:
        return task
    return task.with_image_encoder(image_encoder)


def _check(tasks):
    if not tasks:
        raise ValueError("An ensemble must have a member. Received: none")
    descriptions = [
        {
            "num_classes": task.num_classes,
            "activation": task.activation,
            "inputs": sorted(task.input),
            "attention": sorted(task.backbone.output["attention"]),
        }
        for task in tasks
    ]
    for description in descriptions[1:]:
        if description != descriptions[0]:
            raise ValueError(
                f"All members must be of {descriptions[0]}. Received: "
                f"{description}"
            )


def _in_dtype(member, config):
    """Returns the config of a member with the ensemble's `dtype`."""
    backbone = member["config"]["backbone"]
    of_backbone = {**backbone["config"], "dtype": config["dtype"]}
    backbone = {**backbone, "config": of_backbone}
    return {**member, "config": {**member["config"], "backbone": backbone}}


def _mean(tensors):
    tensors = [ops.cast(tensor, "float32") for tensor in tensors]
    return ops.mean(ops.stack(tensors), axis=0)
