"""Lists the readers of data sets by name."""

import os
import pathlib
from collections.abc import Callable
from typing import Protocol

from vqa_keras.datasets import clevr
from vqa_keras.datasets import coco_qa
from vqa_keras.datasets import daquar
from vqa_keras.datasets import easy_vqa
from vqa_keras.datasets import gqa
from vqa_keras.datasets import jsonl
from vqa_keras.datasets import okvqa
from vqa_keras.datasets import sort_of_clevr
from vqa_keras.datasets import vizwiz
from vqa_keras.datasets import vqa_v1
from vqa_keras.datasets import vqa_v2


class Reader(Protocol):
    """A module that reads a data set into a `QuestionTable`.

    `read(folder, table, **arguments)` takes the arguments named in
    `ARGUMENTS`. `ANSWER_RULE` names the rule of `text.ANSWER_RULES` for its
    answers. A reader of images without files also has `draw(drawing)`,
    which returns the bytes of an image file.
    """

    @property
    def NAME(self) -> str: ...

    @property
    def ARGUMENTS(self) -> tuple[str, ...]: ...

    @property
    def ANSWER_RULE(self) -> str: ...

    @property
    def find(
        self,
    ) -> Callable[[str | os.PathLike[str] | None], pathlib.Path | None]: ...

    @property
    def read(self) -> Callable[..., None]: ...


_MODULES: tuple[Reader, ...] = (
    jsonl,
    vqa_v1,
    vqa_v2,
    gqa,
    vizwiz,
    okvqa,
    clevr,
    daquar,
    coco_qa,
    easy_vqa,
    sort_of_clevr,
)
READERS = {reader.NAME: reader for reader in _MODULES}
