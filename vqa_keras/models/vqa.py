import keras
import numpy as np
from keras import layers
from keras import ops

from vqa_keras.images import check_values
from vqa_keras.layers.check_mask import check_input_mask
from vqa_keras.metrics import VQAAccuracy
from vqa_keras.models.answer import Answer
from vqa_keras.models.answer import is_many
from vqa_keras.models.answer import pair
from vqa_keras.models.answerer import Answerers
from vqa_keras.models.answerer import join
from vqa_keras.models.losses import AnswerBinaryCrossentropy
from vqa_keras.models.saved_backbone import refuse
from vqa_keras.models.saved_task import SavedTask
from vqa_keras.models.vqa_backbone import VQABackbone
from vqa_keras.models.vqa_preprocessor import VQAPreprocessor
from vqa_keras.renamed import Attention

ACTIVATIONS = ("softmax", "sigmoid")
_CONFIG = ("num_classes", "hidden_dim", "dropout", "activation")
_ARGUMENTS = (*_CONFIG, "backbone", "preprocessor", "compile", "name")
_BATCH = 32  # questions that `ask` answers at a time


@keras.saving.register_keras_serializable(package="vqa_keras")
class VQA(SavedTask):
    """Answers questions about images: an answer head on any `VQABackbone`.

        logits = W_A dropout(relu(W_F dropout(fused) + b_F)) + b_A

    It trains and predicts with plain Keras (`compile`, `fit`, `predict`) on
    the records' batches, also those with an `image_index` (`VQABackbone`), and,
    if it has a preprocessor and an image encoder, on raw images and questions:
    `task.predict({"images": images, "questions": questions})`.

    Args:
        backbone: `VQABackbone`; num_classes: int, the number of answers A.
        preprocessor: optional `VQAPreprocessor` with the tokenizer and the
            answers; `ask` needs it.
        hidden_dim: int, width of the head's hidden layer, or None or 0 for a
            head without: `logits = W_A dropout(fused) + b_A`.
        dropout: float, fraction to drop before each of the head's layers.
        activation: what turns logits, which the task returns, into
            probabilities: `"softmax"` for one right answer, `"sigmoid"` for
            soft scores.

    Raises:
        ValueError: for other answers than `num_classes`, or activations.

    Example:
    ```python
    task = VQA(StackedBackbone(vocabulary_size=10000), num_classes=1000)
    task = VQA.from_preset("runs/stacked")
    task.ask("photo.png", "what color is the shape?").answers[0]
    ```
    """

    backbone_cls = VQABackbone
    preprocessor_cls = VQAPreprocessor

    def __init__(
        self,
        backbone,
        num_classes,
        preprocessor=None,
        hidden_dim=1024,
        dropout=0.5,
        activation="softmax",
        **kwargs,
    ):
        refuse(type(self), _ARGUMENTS, kwargs.keys() - set(_ARGUMENTS))
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"`activation` must be one of {', '.join(ACTIVATIONS)}. "
                f"Received: {activation}"
            )
        if preprocessor and len(preprocessor.answers) != num_classes:
            raise ValueError(
                "`num_classes` must be the number of the preprocessor's answers"
                f", {len(preprocessor.answers)}. Received: {num_classes}"
            )
        # === Layers ===
        dtype = backbone.dtype_policy
        self.backbone: VQABackbone = backbone
        self.preprocessor: VQAPreprocessor | None = preprocessor
        self.fused_dropout = layers.Dropout(
            dropout, dtype=dtype, name="fused_dropout"
        )
        if hidden_dim:
            self.hidden_dense = layers.Dense(
                hidden_dim, activation="relu", dtype=dtype, name="hidden_dense"
            )
            self.hidden_dropout = layers.Dropout(
                dropout, dtype=dtype, name="hidden_dropout"
            )
        self.answer_dense = layers.Dense(
            num_classes, dtype="float32", name="answer_dense"
        )

        # === Config ===
        self.num_classes = num_classes
        self.hidden_dim = hidden_dim
        self.dropout = dropout
        self.activation = activation

        # === Functional model ===
        logits = self.head(backbone(backbone.input)["fused"])  # (B, A)
        super().__init__(inputs=backbone.input, outputs=logits, **kwargs)
        self._answerers = Answerers()

    def head(self, fused):
        """Returns the logits of fused vectors, `(B, D)` to `(B, A)`."""
        hidden = self.fused_dropout(fused)
        if self.hidden_dim:
            hidden = self.hidden_dropout(self.hidden_dense(hidden))
        return self.answer_dense(hidden)

    def probabilities(self, logits):
        """Returns the probabilities of the answers from `logits`."""
        function = {"softmax": ops.softmax, "sigmoid": ops.sigmoid}
        return function[self.activation](ops.cast(logits, "float32"))

    def call(self, inputs, training=None, mask=None):
        check_input_mask(inputs)
        if "image_index" in inputs:
            return self.head(self.backbone(inputs)["fused"])
        return super().call(inputs, training=training, mask=mask)

    def compile(
        self, optimizer="adam", loss="auto", *, metrics="auto", **kwargs
    ):
        """Configures the training; "auto" means `compile_defaults`."""
        given = {"loss": loss, "metrics": metrics}
        given = {n: v for n, v in given.items() if v != "auto"}
        super().compile(
            optimizer, **{**self.compile_defaults(), **given, **kwargs}
        )

    def compile_defaults(self):
        """Returns loss and metrics that fit the activation, for `compile`."""
        loss = AnswerBinaryCrossentropy()
        if self.activation == "softmax":
            loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        return {"loss": loss, "metrics": [VQAAccuracy(name="accuracy")]}

    def fit(self, x=None, *args, **kwargs):
        kwargs.setdefault("shuffle", isinstance(x, dict))  # datasets do it
        return super().fit(_checked(x), *args, **kwargs)

    def evaluate(self, x=None, *args, **kwargs):
        return super().evaluate(_checked(x), *args, **kwargs)

    def predict(self, x=None, *args, **kwargs):
        return super().predict(_checked(x), *args, **kwargs)

    def preprocess_samples(self, x, y=None, sample_weight=None):
        """Prepares a batch; region features without a mask are all real."""
        check_input_mask(x)
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(
            super().preprocess_samples(x, y, sample_weight)
        )
        if isinstance(x, dict) and "regions" in x and "regions_mask" not in x:
            # A layer: on other backends `keras.ops` fails inside tf.data.
            ones = layers.Rescaling(0.0, offset=1.0, dtype="int32")
            x = {**x, "regions_mask": ones(x["regions"][..., 0])}
        if isinstance(x, dict) and not set(self.input) <= set(x):
            raise ValueError(
                f"This model takes a dict of {', '.join(sorted(self.input))}. "
                f"Received: {', '.join(sorted(x))}"
            )
        return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)

    def answerer(self, top_k=5, grid_shape=None):
        """Returns the compiled function that gives a batch its best answers.

        `ask`, evaluation, reports and exported models all call this
        `Answerer`. It is made once, and again for other variables.

        Args:
            top_k: int, number K of answers; at most as many as there are.
            grid_shape: `(h, w)` of the regions' grid, where the backbone has no
                image encoder to tell.
        """
        top_k = min(top_k, self.num_classes)
        grid_shape = self.backbone.grid_shape or grid_shape
        return self._answerers.get(self, top_k, grid_shape)

    def attend(self, inputs, batch_size=32):
        """Returns the attention of every question, by name.

        Args:
            inputs: dict of arrays, raw or as the records hold them, or a
                dataset of batches, with or without targets.
            batch_size: int, questions at a time if `inputs` is a dict.

        Returns:
            dict of NumPy arrays by name, such as `regions_1`, `(B, M)`.
        """
        if isinstance(inputs, dict):
            inputs = self._prepared(inputs)
            outputs = self.backbone.predict(inputs, batch_size, verbose=0)
            return Attention(outputs["attention"])
        predict = self.backbone.predict_on_batch
        batches = (predict(self._prepared(batch)) for batch in inputs)
        return Attention(join(outputs["attention"] for outputs in batches))

    def ask(self, image, question, top_k=5):
        """Answers a question about an image, or many about many.

        Args:
            image: whatever `vqa_keras.images.decode` takes: a path, the bytes
                of a file, a PIL image or an array; or a list of those.
            question: str, or a list of them, asked of the image or of the
                images at their places; one question is asked of all images.
            top_k: int, how many answers.

        Returns:
            `Answer`: the best answers, their probabilities, and the attention
            that led to them; a list of them if a list was given.

        Raises:
            ValueError: without a preprocessor or an image encoder, for lists of
                other lengths, or for an image that `decode` refuses.
        """
        if self.preprocessor is None or self.backbone.image_encoder is None:
            raise ValueError(
                "`ask` needs a preprocessor and an image encoder; see "
                "`with_image_encoder`. Received: preprocessor="
                f"{self.preprocessor}, "
                f"image_encoder={self.backbone.image_encoder}"
            )
        images, questions = pair(image, question)
        answers = []
        for start in range(0, len(questions), _BATCH):
            batch = slice(start, start + _BATCH)
            answers += self._answers(images[batch], questions[batch], top_k)
        return answers if is_many(image) or is_many(question) else answers[0]

    def _answers(self, images, questions, top_k):
        # `call`, since Keras would wrap what is wrong with an image.
        raw = {"images": images, "questions": questions}
        inputs = self.preprocessor.call(raw)
        outputs = keras.tree.map_structure(
            ops.convert_to_numpy, self.answerer(top_k)(inputs)
        )
        names = self.preprocessor.answers
        return [
            Answer(
                [names[i] for i in outputs["answers"][row]],
                outputs["probabilities"][row].tolist(),
                Attention((n, w[row]) for n, w in outputs["attention"].items()),
                self.preprocessor.tokenizer.words(question),
            )
            for row, question in enumerate(questions)
        ]

    def _prepared(self, batch):
        """The inputs of a batch as tensors."""
        x, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
        x, _, _ = keras.utils.unpack_x_y_sample_weight(
            self.preprocess_samples(x)
        )
        return keras.tree.map_structure(ops.convert_to_tensor, x)

    def with_image_encoder(self, image_encoder):
        """Returns a task with these weights whose inputs are pixels.

        The encoder, which made the features that it was trained on, is frozen.
        """
        backbone = self.backbone.with_image_encoder(image_encoder)
        return self._twin(backbone, image_encoder.input_shape[1:3])

    def without_image_encoder(self):
        """Returns a task with these weights that takes region features."""
        return self._twin(self.backbone.without_image_encoder(), None)

    def _twin(self, backbone, image_size):
        preprocessor = self.preprocessor and VQAPreprocessor(
            self.preprocessor.tokenizer, self.preprocessor.answers, image_size
        )
        config = self.get_config()
        config.update(backbone=backbone, preprocessor=preprocessor)
        twin = type(self)(**config)
        for layer in self.layers:
            if layer.weights and layer is not self.backbone:
                weights = layer.get_weights()
                twin.get_layer(layer.name).set_weights(weights)
        return twin

    def get_config(self):
        own = {name: getattr(self, name) for name in _CONFIG}
        return {**super().get_config(), **own}


def _checked(x):
    """Refuses what is no pixel or no mask before a pipeline is made of it."""
    check_input_mask(x)
    if isinstance(x, dict) and {"images", "questions"} <= set(x):
        check_values(np.asarray(x["images"]))
    return x
