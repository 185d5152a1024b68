import keras
from keras import layers
from keras import ops

from vqa_keras.layers import NgramDense
from vqa_keras.layers.check_mask import check_input_mask
from vqa_keras.metrics import VQAAccuracy
from vqa_keras.models import fit_data
from vqa_keras.models.answerer import Answerers
from vqa_keras.models.asking import Asking
from vqa_keras.models.damaged_records import naming_damage
from vqa_keras.models.losses import AnswerBinaryCrossentropy
from vqa_keras.models.raw_inputs import check_inputs
from vqa_keras.models.raw_inputs import check_vocabularies
from vqa_keras.models.saved_backbone import refuse
from vqa_keras.models.saved_task import SavedTask
from vqa_keras.models.text_targets import text_targets
from vqa_keras.models.vqa_backbone import VQABackbone
from vqa_keras.models.vqa_preprocessor import VQAPreprocessor

ACTIVATIONS = ("softmax", "sigmoid")
_CONFIG = ("num_classes", "hidden_dim", "dropout", "activation", "ngrams")
_ARGUMENTS = (*_CONFIG, "backbone", "preprocessor", "compile", "name")


@keras.saving.register_keras_serializable(package="vqa_keras")
class VQA(Asking, SavedTask):
    """Visual question answering task: an answer head on a `VQABackbone`.

        logits = W_A dropout(relu(W_F dropout(fused) + b_F)) + b_A
                 + NgramDense(token_ids)                  with `ngrams`

    It trains and predicts with plain Keras (`compile`, `fit`, `predict`) on
    batches of `vqa_keras.data.load`, also those with an `image_index`. With a
    preprocessor and an image encoder it also takes raw images and questions:
    `task.predict({"images": images, "questions": questions})`, where `images`
    is an array, or a list of any images that `ask` takes.

    Args:
        backbone: `VQABackbone`.
        num_classes: int. Number of answers A.
        preprocessor: optional `VQAPreprocessor` with the tokenizer and the
            answers; `ask` needs it.
        hidden_dim: int. Width of the head's hidden layer; None or 0 for none:
            `logits = W_A dropout(fused) + b_A`. Defaults to 1024.
        dropout: float. Fraction to drop before each of the head's layers.
            Defaults to 0.5.
        activation: str. Maps logits, the outputs, to probabilities: `"softmax"`
            (default) for one right answer, `"sigmoid"` for soft scores.
        ngrams: optional n-grams of the training questions, as
            `text.count_ngrams` returns them, for a linear path from the
            question's n-grams to the logits (`NgramDense`). The config has
            their numbers, the weights the n-grams. Defaults to `None`, no path.

    Raises:
        ValueError: for other answers than `num_classes`, other activations, or
            `ngrams` that are not three.

    Example:
    ```python
    task = vqa_keras.models.VQA.from_preset("stacked_easy_vqa")
    image = vqa_keras.presets.example_image("stacked_easy_vqa")
    answer = task.ask(image, "what color is the shape?")
    print(answer.answers[0])  # blue
    print(answer.attention["regions_1"].shape)  # (8, 8)
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
        ngrams=None,
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
        if backbone.num_classes not in (None, num_classes):
            raise ValueError(
                "`num_classes` must be that of the backbone, which has no head "
                f"to exchange: {backbone.num_classes}. Received: {num_classes}"
            )
        # === Layers ===
        dtype = backbone.dtype_policy
        self.backbone: VQABackbone = backbone
        self.preprocessor: VQAPreprocessor | None = preprocessor
        self.fused_dropout = layers.Dropout(
            dropout, dtype=dtype, name="fused_dropout"
        )
        has_head = backbone.num_classes is None
        if has_head and hidden_dim:
            self.hidden_dense = layers.Dense(
                hidden_dim, activation="relu", dtype=dtype, name="hidden_dense"
            )
            self.hidden_dropout = layers.Dropout(
                dropout, dtype=dtype, name="hidden_dropout"
            )
        self.answer_dense = None
        if has_head:
            self.answer_dense = layers.Dense(
                num_classes, dtype="float32", name="answer_dense"
            )
        self.ngram_dense = None
        if ngrams:
            self.ngram_dense = NgramDense(
                num_classes,
                backbone.vocabulary_size,
                ngrams,
                dtype="float32",
                name="ngram_dense",
            )

        # === Config ===
        self.num_classes = num_classes
        self.hidden_dim = hidden_dim
        self.dropout = dropout
        self.activation = activation
        self.ngrams = list(self.ngram_dense.num_ngrams) if ngrams else None

        # === Functional model ===
        fused = backbone(backbone.input)["fused"]  # (B, D)
        logits = self.head(fused, backbone.input["token_ids"])  # (B, A)
        super().__init__(inputs=backbone.input, outputs=logits, **kwargs)
        self._answerers = Answerers()

    def head(self, fused, token_ids=None):
        """Returns the logits of fused vectors, `(B, D)` to `(B, A)`.

        With `ngrams` they also depend on the questions' `token_ids`, `(B, N)`.
        """
        logits = fused
        if self.answer_dense is not None:
            hidden = self.fused_dropout(fused)
            if self.hidden_dim:
                hidden = self.hidden_dropout(self.hidden_dense(hidden))
            logits = self.answer_dense(hidden)
        if self.ngram_dense is not None:
            logits = logits + self.ngram_dense(token_ids)
        return logits

    def probabilities(self, logits):
        """Returns the probabilities of the answers from `logits`."""
        function = {"softmax": ops.softmax, "sigmoid": ops.sigmoid}
        return function[self.activation](ops.cast(logits, "float32"))

    def call(self, inputs, training=None, mask=None):
        check_input_mask(inputs)
        if "image_index" in inputs:
            fused = self.backbone(inputs)["fused"]
            return self.head(fused, inputs["token_ids"])
        return super().call(inputs, training=training, mask=mask)

    def compile(
        self, optimizer="adam", loss="auto", *, metrics="auto", **kwargs
    ):
        """Configures the training; "auto" means `compile_defaults`."""
        given = {"loss": loss, "metrics": metrics}
        given = {n: v for n, v in given.items() if v != "auto"}
        arguments = self.compile_defaults() | given | kwargs
        super().compile(optimizer, **arguments)

    def compile_defaults(self):
        """Returns the loss and metrics that fit the activation."""
        loss = AnswerBinaryCrossentropy()
        if self.activation == "softmax":
            loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        return {"loss": loss, "metrics": [VQAAccuracy(name="accuracy")]}

    def fit(self, x=None, y=None, *args, **kwargs):
        """Trains as Keras does; `y` may be the texts of the answers."""
        kwargs.setdefault("shuffle", isinstance(x, dict))  # not for datasets
        validation_data = kwargs.get("validation_data")
        check_vocabularies(validation_data, self.preprocessor)
        with naming_damage(x, validation_data):
            x, y = self._checked(x), text_targets(y, self.preprocessor)
            return fit_data.fit(self, super().fit, x, y, *args, **kwargs)

    def evaluate(self, x=None, y=None, *args, **kwargs):
        if kwargs.get("_use_cached_eval_dataset"):  # of `fit`, preprocessed
            return super().evaluate(x, y, *args, **kwargs)
        with naming_damage(x):
            x, y = self._checked(x), text_targets(y, self.preprocessor)
            if fit_data.is_iterated(x):
                x = fit_data.iterated(x, self.preprocess_samples)
                return keras.Model.evaluate(self, x, y, *args, **kwargs)
            return super().evaluate(x, y, *args, **kwargs)

    def predict(self, x=None, *args, **kwargs):
        with naming_damage(x):
            x = check_inputs(x, self.preprocessor, answers=False)
            if fit_data.is_iterated(x):
                x = fit_data.iterated(x, self.preprocess_samples)
                return keras.Model.predict(self, x, *args, **kwargs)
            return super().predict(x, *args, **kwargs)

    def _checked(self, x):
        return check_inputs(x, self.preprocessor)

    def preprocess_samples(self, x, y=None, sample_weight=None):
        """Prepares a batch; region features without a mask are all valid."""
        check_input_mask(x)
        y = text_targets(y, self.preprocessor)
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(
            super().preprocess_samples(x, y, sample_weight)
        )
        if isinstance(x, dict) and "regions" in x and "regions_mask" not in x:
            # A layer: on other backends `keras.ops` fails inside tf.data.
            ones = layers.Rescaling(0.0, offset=1.0, dtype="int32")
            x = {**x, "regions_mask": ones(x["regions"][..., 0])}
        if isinstance(x, dict) and not set(self.input) <= set(x):
            raise ValueError(
                f"Inputs must be a dict of {', '.join(sorted(self.input))}. "
                f"Received: {', '.join(sorted(x))}"
            )
        return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)

    def answerer(self, top_k=5, grid_shape=None):
        """Returns the `Answerer`, which computes a batch's best answers.

        `ask`, evaluation, reports and exported models all call it. It is
        created once, and again after the task gets other variables.

        Args:
            top_k: int. Number K of answers, at most A.
            grid_shape: `(h, w)` of the regions' grid, for a backbone without an
                image encoder.
        """
        top_k = min(top_k, self.num_classes)
        grid_shape = self.backbone.grid_shape or grid_shape
        return self._answerers.get(self, top_k, grid_shape)

    def with_image_encoder(self, image_encoder):
        """Returns a task with these weights whose inputs are pixels.

        The encoder must be that of the training's features; it is frozen.
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
        twin = type(self).from_config(config)
        for layer in self.layers:
            if layer.weights and layer is not self.backbone:
                twin.get_layer(layer.name).set_weights(layer.get_weights())
        return twin

    def get_config(self):
        own = {name: getattr(self, name) for name in _CONFIG}
        return {**super().get_config(), **own}
