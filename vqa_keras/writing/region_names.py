"""Matches the names of region features with images.

A row has an image_id and a file of features has a name. Either may be the
image_id or the name of the image file, and either may have other zeros, a
prefix, a suffix or the ending of an image file.
"""

import pathlib
import re
from collections.abc import Iterable

from vqa_keras.datasets.question import ImageQuestions

_ENDING = re.compile(
    r"\.(jpe?g|png|gif|bmp|webp|tiff?|avif|hei[cf]|jp2|ppm)$", re.IGNORECASE
)
# A number between other characters than letters: not 2014 of train2014.
_NUMBER = re.compile(r"(?<![^\W_])[0-9]+(?![^\W_])")
_SPLIT = re.compile(r"train|val|test|dev", re.IGNORECASE)


def without_ending(name: str) -> str:
    """Returns a name without the ending of an image file."""
    return _ENDING.sub("", name)


def number_of(name: str) -> str | None:
    """Returns the one number in a name, without leading zeros.

    Returns:
        str, or None if the name has no number or several. Digits next to
        letters, as in `train2014`, are no number.
    """
    parts = _parts(name)
    return parts and parts[1]


class ImageNames:
    """The names that an image's features may have.

    Args:
        image: `ImageQuestions`.

    Attributes:
        exact: list of str, the image_id and the names of its file.
        numbers: list of str, the number of the image, without leading zeros;
            two if image_id and file are different numbers.
    """

    def __init__(self, image: ImageQuestions):
        names = [image.image_id]
        if image.path:
            path = pathlib.PurePosixPath(image.path)
            names += [path.stem, path.name, image.path]
        self.exact = list(dict.fromkeys(map(without_ending, names)))
        pure = list(filter(_is_number, self.exact))
        numbers = map(number_of, pure or self.exact)
        self.numbers = list(dict.fromkeys(filter(None, numbers)))
        self._unpadded = set(map(_unpadded, self.exact))
        self._splits = _splits(image.path or image.image_id)

    def matching(self, names: Iterable[str]) -> list[str]:
        """Returns those of the names that stand for the image.

        A name of the image, its zeros aside, or its bare number stand for it.
        A name with another prefix or suffix does only if no name of the image
        that has more than the number is there.

        Args:
            names: iterable of str, each one of `exact` or with one of
                `numbers`.
        """
        names = list(names)
        own = [name for name in names if _unpadded(name) in self._unpadded]
        bare = [name for name in names if _is_number(name)]
        if not set(own) <= set(bare):
            return list(dict.fromkeys(own + bare))
        return list(dict.fromkeys(bare + list(filter(self._affixed, names))))

    def _affixed(self, name: str) -> bool:
        splits = _splits(name)
        if splits and self._splits and splits.isdisjoint(self._splits):
            return False
        parts = _parts(name)
        own = [other for other in map(_parts, self.exact) if other]
        same = [other for other in own if parts and other[1] == parts[1]]
        return bool(same) and all(
            _is_affix(parts[0], other[0], str.endswith)
            and _is_affix(parts[2], other[2], str.startswith)
            for other in same
            if parts
        )


def _parts(name: str) -> tuple[str, str, str] | None:
    """Returns prefix, number without zeros, and suffix of a file's name."""
    name = pathlib.PurePosixPath(name).name
    found = list(_NUMBER.finditer(name))
    if len(found) != 1:
        return None
    start, end = found[0].span()
    return name[:start], _without_zeros(found[0][0]), name[end:]


def _is_affix(one, other, extends) -> bool:
    return extends(one, other) or extends(other, one)


def _splits(name: str) -> set[str]:
    return set(map(str.lower, _SPLIT.findall(name)))


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()


def _without_zeros(number: str) -> str:
    return number.lstrip("0") or "0"


def _unpadded(name: str) -> str:
    return _NUMBER.sub(lambda found: _without_zeros(found[0]), name)
