import keras
import keras_hub
import numpy as np
from keras_hub.src.utils.preset_utils import KerasPresetLoader

from vqa_keras import preset_files
from vqa_keras.image_encoders import raw_images
from vqa_keras.models.vqa_backbone import VQABackbone
from vqa_keras.text import QuestionTokenizer


@keras.saving.register_keras_serializable(package="vqa_keras")
class VQAPreprocessor(keras_hub.models.Preprocessor):
    """Converts raw images and questions to a model's inputs.

    Images are decoded (`vqa_keras.images.decode`) and resized to the size of
    the model's image encoder; questions are converted to token ids. Batches
    with token ids, such as those of the records, are returned unchanged.

    Args:
        tokenizer: `vqa_keras.text.QuestionTokenizer`.
        answers: list of str. The answer vocabulary in the order of the
            model's classes.
        image_size: `(height, width)` of the image encoder's images; None if
            the model takes region features. Defaults to `None`.

    Call arguments:
        x: dict of `images` of values 0 to 255, gray, RGB or RGBA, `(B, H, W)`
            or `(B, H, W, C)`, and `questions`, strings `(B,)`; or any dict
            with `token_ids`.
        y: optional targets, `(B, A)`; passed on.
        sample_weight: optional; passed on.

    Returns:
        `{"images": uint8 (B, *image_size, 3), "token_ids": int32 (B, N)}`,
        with `y` and `sample_weight` if given.

    Raises:
        ValueError: if `x` has neither questions nor token ids, if it has images
            but the model takes region features, or if the pixels are floats
            within -1 and 1.

    Example:
    ```python
    import numpy as np

    task = vqa_keras.models.VQA.from_preset("stacked_easy_vqa")
    images = np.zeros((2, 32, 32, 3), "uint8")
    questions = ["what shape is this?", "is there a circle?"]
    x = task.preprocessor({"images": images, "questions": questions})
    print(x["images"].shape)  # (2, 64, 64, 3)
    ```
    """

    backbone_cls = VQABackbone
    tokenizer_cls = QuestionTokenizer

    def __init__(self, tokenizer, answers, image_size=None, **kwargs):
        super().__init__(**kwargs)
        self.tokenizer: QuestionTokenizer = tokenizer
        self.answers = list(answers)
        self._image_size = tuple(image_size) if image_size else None
        self.built = True  # it has no weights

    @property
    def image_size(self):
        """`(height, width)` of the image encoder's images, or None."""
        return self._image_size

    def call(self, x, y=None, sample_weight=None):
        return keras.utils.pack_x_y_sample_weight(
            self._inputs(x), y, sample_weight
        )

    def _inputs(self, x):
        if isinstance(x, dict) and "token_ids" in x:
            return x
        if not isinstance(x, dict) or set(x) != {"images", "questions"}:
            received = sorted(x) if isinstance(x, dict) else type(x).__name__
            raise ValueError(
                "Inputs must be a dict of `images` and `questions`, or of "
                "`token_ids` with `regions` and `regions_mask` or `images`. "
                f"Received: {received}"
            )
        if self.image_size is None:
            raise ValueError(
                "Inputs must be region features unless the model has the image "
                "encoder that computed them: "
                "`task.with_image_encoder(image_encoder)`. Received: "
                f"{sorted(x)}"
            )
        return {
            "images": raw_images.prepare(x["images"], self.image_size),
            "token_ids": self.tokenizer(x["questions"]),
        }

    def targets(self, answers):
        """Returns answers as one-hot rows, `(B, A)`, for `fit` on raw data.

        An answer outside the vocabulary gives a row of zeros.
        """
        index = {answer: i for i, answer in enumerate(self.answers)}
        rows = np.zeros((len(answers), len(self.answers)), "float32")
        for row, answer in zip(rows, answers, strict=True):
            if answer in index:
                row[index[answer]] = 1.0
        return rows

    @classmethod
    def from_preset(cls, preset, config_file="preprocessor.json", **kwargs):
        """Returns the preprocessor of a preset: a folder, or a KerasHub handle.

        KerasHub's own method needs one preprocessor class per backbone class.
        `**kwargs` are constructor arguments that replace the saved ones.

        Raises:
            UserError: if the folder has a results.json that names other files.
        """
        preset_files.check(preset)
        loader = KerasPresetLoader(str(preset), config={})
        return loader.load_preprocessor(cls, config_file, **kwargs)

    def get_config(self):
        return {
            **super().get_config(),
            "answers": self.answers,
            "image_size": self._image_size,
        }
