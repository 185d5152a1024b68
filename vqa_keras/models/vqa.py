import keras
import numpy as np
from keras import layers
from keras import ops

from vqa_keras.attention_axes import on_grid
from vqa_keras.metrics import VQAAccuracy
from vqa_keras.models.answer import Answer
from vqa_keras.models.losses import AnswerBinaryCrossentropy
from vqa_keras.models.saved_task import SavedTask
from vqa_keras.models.vqa_preprocessor import VQAPreprocessor
from vqa_keras.models.vqa_preprocessor import image_pixels

ACTIVATIONS = ("softmax", "sigmoid")


class VQA(SavedTask):
    """Base class of the tasks: a question about an image gets an answer.

    A task puts an answer head on a `VQABackbone`:

        logits = W_A dropout(relu(W_F dropout(fused) + b_F)) + b_A

    It trains and predicts with plain Keras (`compile`, `fit`, `predict`) on
    the records' batches of region features or images with token ids, and, if
    it has a preprocessor and an image encoder, on raw images and questions:
    `task.predict({"images": images, "questions": questions})`.

    Args:
        backbone: `vqa_keras.models.VQABackbone`.
        num_classes: int, the number of answers A.
        preprocessor: optional `VQAPreprocessor` with the tokenizer and the
            answers; `ask` needs it.
        hidden_dim: int, width of the head's hidden layer, or None for a head
            without: `logits = W_A dropout(fused) + b_A`.
        dropout: float, dropped share before each of the head's layers.
        activation: `"softmax"` or `"sigmoid"`, what turns logits into
            probabilities in `ask` and in exported models: softmax for one
            right answer, sigmoid for soft scores. The task returns logits.

    Raises:
        ValueError: if the preprocessor's answers are not `num_classes`, or
            `activation` is not one of the two.

    Example:
    ```python
    task = VQA.from_preset("runs/stacked")
    task.ask("photo.png", "what color is the shape?").answers[0]
    ```
    """

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
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"`activation` must be one of {', '.join(ACTIVATIONS)}. "
                f"Received: {activation}"
            )
        if preprocessor and len(preprocessor.answers) != num_classes:
            raise ValueError(
                "`num_classes` must be the number of the preprocessor's "
                f"answers, {len(preprocessor.answers)}. Received: "
                f"{num_classes}"
            )
        # === Layers ===
        dtype = backbone.dtype_policy
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.fused_dropout = layers.Dropout(
            dropout, dtype=dtype, name="fused_dropout"
        )
        if hidden_dim is not None:
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
        inputs = backbone.input
        logits = self.head(backbone(inputs)["fused"])  # (B, A)
        super().__init__(inputs=inputs, outputs=logits, **kwargs)

    def compile(
        self, optimizer="adam", loss="auto", *, metrics="auto", **kwargs
    ):
        """Configures the training; "auto" is what `defaults` gives."""
        defaults = self.defaults()
        loss = defaults["loss"] if loss == "auto" else loss
        metrics = defaults["metrics"] if metrics == "auto" else metrics
        super().compile(optimizer, loss, metrics=metrics, **kwargs)

    def defaults(self):
        """Returns loss and metrics that fit the activation, for `compile`.

        The loss of logits is cross entropy for softmax and
        `AnswerBinaryCrossentropy` for sigmoid; the metric is `VQAAccuracy`.
        """
        loss = AnswerBinaryCrossentropy()
        if self.activation == "softmax":
            loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        return {"loss": loss, "metrics": [VQAAccuracy(name="accuracy")]}

    def head(self, fused):
        """Returns the logits of fused vectors, `(B, D)` to `(B, A)`."""
        hidden = self.fused_dropout(fused)
        if self.hidden_dim is not None:
            hidden = self.hidden_dropout(self.hidden_dense(hidden))
        return self.answer_dense(hidden)

    def explained(self):
        """Returns a Keras model of the same inputs and weights that explains.

        Its outputs, of one computation, are
        `{"logits": (B, A), "attention": {name: weights}}`.
        """
        outputs = self.backbone(self.backbone.input)
        return keras.Model(
            self.backbone.input,
            {
                "logits": self.head(outputs["fused"]),
                "attention": outputs["attention"],
            },
        )

    def preprocess_samples(self, x, y=None, sample_weight=None):
        """Prepares a batch; region features without a mask are all real."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(
            super().preprocess_samples(x, y, sample_weight)
        )
        if isinstance(x, dict) and "regions" in x and "regions_mask" not in x:
            # A preprocessing layer, since `keras.ops` does not work in a
            # tf.data pipeline on other backends than TensorFlow.
            ones = layers.Rescaling(0.0, offset=1.0, dtype="int32")
            x = {**x, "regions_mask": ones(x["regions"][..., 0])}
        if isinstance(x, dict) and not set(self.input) <= set(x):
            raise ValueError(
                f"This model takes a dict of {', '.join(sorted(self.input))}. "
                f"Received: {', '.join(sorted(x))}"
            )
        return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)

    def attend(self, inputs, batch_size=32):
        """Returns the attention of every question, by name.

        Args:
            inputs: dict of a batch, raw or as the records hold it, or a
                dataset of such batches, with or without targets.
            batch_size: int, questions at a time if `inputs` is a dict.

        Returns:
            dict of NumPy arrays by name, such as `hop_1`, `(B, M)`; M is that
            of the image with the most regions. `vqa_keras.attention_axes`
            tells the axes of each.
        """
        if isinstance(inputs, dict):
            inputs = self._preprocessed(inputs)
            return self.backbone.predict(
                inputs, batch_size=batch_size, verbose=0
            )["attention"]
        batches = []
        for batch in inputs:
            x, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
            x = keras.tree.map_structure(
                ops.convert_to_tensor, self._preprocessed(x)
            )
            batches.append(self.backbone.predict_on_batch(x)["attention"])
        return {
            name: _join([batch[name] for batch in batches])
            for name in batches[0]
        }

    def ask(self, image, question, top_k=5):
        """Answers one question about one image.

        Args:
            image: path, PIL image, or RGB array of values 0 to 255,
                `(H, W, 3)`.
            question: str. A question without a known word is answered too,
                as one unknown word.
            top_k: int, how many answers.

        Returns:
            `Answer`: the best answers, their probabilities, and the attention
            that led to them.

        Raises:
            ValueError: without a preprocessor or an image encoder, or if an
                array is no RGB image.
        """
        if self.preprocessor is None or self.backbone.image_encoder is None:
            raise ValueError(
                "`ask` needs a preprocessor and an image encoder; see "
                "`with_image_encoder`. Received: preprocessor="
                f"{self.preprocessor}, "
                f"image_encoder={self.backbone.image_encoder}"
            )
        inputs = self._preprocessed(
            {"images": image_pixels(image)[None], "questions": [question]}
        )
        inputs = keras.tree.map_structure(ops.convert_to_tensor, inputs)
        outputs = self.explained()(inputs, training=False)
        probabilities = self.probabilities(outputs["logits"])
        probabilities = ops.convert_to_numpy(probabilities)[0]
        best = np.argsort(-probabilities, kind="stable")[:top_k]
        return Answer(
            [self.preprocessor.answers[i] for i in best],
            [float(probabilities[i]) for i in best],
            {
                name: on_grid(
                    name,
                    ops.convert_to_numpy(ops.cast(weights, "float32")),
                    self.backbone.grid_shape,
                )[0]
                for name, weights in outputs["attention"].items()
            },
            self.preprocessor.words(question),
        )

    def probabilities(self, logits):
        """Returns the probabilities of the answers from `logits`."""
        logits = ops.cast(logits, "float32")
        if self.activation == "softmax":
            return ops.softmax(logits)
        return ops.sigmoid(logits)

    def with_image_encoder(self, image_encoder):
        """Returns a task with these weights whose inputs are pixels.

        `image_encoder` is what made the features that it was trained on.
        """
        backbone = self.backbone.with_image_encoder(image_encoder)
        return self._twin(backbone, image_encoder.input_shape[1:3])

    def without_image_encoder(self):
        """Returns a task with these weights that takes region features."""
        return self._twin(self.backbone.without_image_encoder(), None)

    def _twin(self, backbone, image_size):
        preprocessor = self.preprocessor
        if preprocessor is not None:
            preprocessor = VQAPreprocessor(
                preprocessor.tokenizer, preprocessor.answers, image_size
            )
        config = self.get_config()
        config.update(backbone=backbone, preprocessor=preprocessor)
        twin = type(self)(**config)
        for layer in self.layers:
            if layer.weights and layer is not self.backbone:
                weights = layer.get_weights()
                twin.get_layer(layer.name).set_weights(weights)
        return twin

    def _preprocessed(self, inputs):
        x = self.preprocess_samples(inputs)
        return x[0] if isinstance(x, tuple) else x

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout,
            "activation": self.activation,
        }


def _join(batches):
    """Joins arrays of weights, with zeros where there are fewer regions."""
    sizes = np.max([weights.shape[1:] for weights in batches], axis=0)
    joined = np.zeros((sum(map(len, batches)), *sizes), batches[0].dtype)
    row = 0
    for weights in batches:
        inside = (slice(0, size) for size in weights.shape[1:])
        joined[(slice(row, row + len(weights)), *inside)] = weights
        row += len(weights)
    return joined
