import keras
from keras import ops

from vqa_keras.models.answer import Answer
from vqa_keras.models.answer import is_many
from vqa_keras.models.answer import pair
from vqa_keras.models.answerer import join
from vqa_keras.models.raw_inputs import check_vocabularies
from vqa_keras.renamed import Attention

_BATCH = 32  # questions that `ask` answers at a time


class Asking:
    """Mixin of `VQA`: answers and attention of single questions and lists."""

    def attend(self, inputs, batch_size=32):
        """Returns the attention weights of every question, by name.

        Args:
            inputs: dict of arrays, raw or as in records, or a dataset of them.
            batch_size: int. Questions per batch if `inputs` is a dict.

        Returns:
            dict of NumPy arrays by name, such as `regions_1`, `(B, M)`.
        """
        check_vocabularies(inputs, self.preprocessor, answers=False)
        if isinstance(inputs, dict):
            inputs = self._prepared(inputs)
            outputs = self.backbone.predict(inputs, batch_size, verbose=0)
            return Attention(outputs["attention"])
        predict = self.backbone.predict_on_batch
        batches = (predict(self._prepared(batch)) for batch in inputs)
        return Attention(join(outputs["attention"] for outputs in batches))

    def ask(self, image, question, top_k=5):
        """Answers a question about an image, or lists of them.

        Args:
            image: any image that `vqa_keras.images.decode` takes: a path, the
                bytes of a file, a PIL image or an array; or a list of those.
            question: str, or a list with one question per image. A single
                image or question is repeated.
            top_k: int. Number of answers per question.

        Returns:
            `Answer`, or a list of `Answer` if a list was given.

        Raises:
            ValueError: without a preprocessor or an image encoder, for lists of
                different lengths, or for an image that `decode` refuses.
        """
        if self.preprocessor is None or self.backbone.image_encoder is None:
            raise ValueError(
                "For `ask`, the task must have a preprocessor and an image "
                "encoder (`with_image_encoder`). Received: preprocessor="
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
        # Not `__call__`, in which Keras would wrap errors of an image.
        raw = {"images": images, "questions": questions}
        inputs = self.preprocessor.call(raw)
        outputs = keras.tree.map_structure(
            ops.convert_to_numpy, self.answerer(top_k)(inputs)
        )
        names, tokenizer = (
            self.preprocessor.answers,
            self.preprocessor.tokenizer,
        )
        return [
            Answer(
                [names[i] for i in outputs["answers"][row]],
                outputs["probabilities"][row].tolist(),
                Attention((n, w[row]) for n, w in outputs["attention"].items()),
                tokenizer.words(question),
                tokenizer.unused_words(question),
            )
            for row, question in enumerate(questions)
        ]

    def _prepared(self, batch):
        """Returns the inputs of a batch as tensors."""
        x = keras.utils.unpack_x_y_sample_weight(batch)[0]
        x = keras.utils.unpack_x_y_sample_weight(self.preprocess_samples(x))[0]
        return keras.tree.map_structure(ops.convert_to_tensor, x)
