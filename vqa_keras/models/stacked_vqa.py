import keras

from vqa_keras.models.stacked_backbone import StackedBackbone
from vqa_keras.models.vqa import VQA


@keras.saving.register_keras_serializable(package="vqa_keras")
class StackedVQA(VQA):
    """Visual question answering with a Stacked Attention Network.

    `VQA` says what a task takes and does, `StackedBackbone` what this one
    computes. Departure from the paper: the head has a hidden layer, where the
    paper's has a softmax only.

    Example:
    ```python
    task = StackedVQA(
        StackedBackbone(vocabulary_size=10000, regions_dim=2048),
        num_classes=1000,
    )
    task.compile(optimizer="adam")
    train = vqa_keras.data.load("records", "train", 256, shuffle=True)
    task.fit(train, shuffle=False)  # the data is shuffled
    ```

    Reference:
        [Yang et al., 2016](https://arxiv.org/abs/1511.02274).
    """

    backbone_cls = StackedBackbone
