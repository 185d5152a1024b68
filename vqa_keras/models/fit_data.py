"""Data of Keras that KerasHub's tasks do not take, as datasets of batches.

KerasHub batches arrays in their order and refuses `PyDataset`, generators and
torch's `DataLoader`. Here each becomes data of Keras whose batches the task has
preprocessed.
"""

import inspect
import math

import keras
import numpy as np
from keras import tree


class PreparedArrays(keras.utils.PyDataset):
    """Batches of arrays, in a new random order in each epoch if shuffled.

    Args:
        data: `(x, y, sample_weight)`, nested arrays of one length, or None.
        batch_size: int, or None for 32.
        prepare: function of `x, y, sample_weight` that preprocesses a batch.
        shuffle: bool.

    Raises:
        ValueError: if the arrays are of different lengths.
    """

    def __init__(self, data, batch_size, prepare, shuffle):
        super().__init__()
        self.data = _arrays(data)
        self.batch_size = batch_size or 32
        self.prepare = prepare
        self.shuffle = shuffle
        self.size = _common_length(self.data)
        self.on_epoch_end()

    def __len__(self):
        return math.ceil(self.size / self.batch_size)

    def __getitem__(self, index):
        start = index * self.batch_size
        rows = self.order[start : start + self.batch_size]
        x, y, weight = _take(self.data, rows)
        return _prepared(self.prepare, (_without_objects(x), y, weight))

    def on_epoch_end(self):
        self.order = np.arange(self.size)
        if self.shuffle:  # by the seed of `keras.utils.set_random_seed`
            np.random.shuffle(self.order)


class PreparedBatches(keras.utils.PyDataset):
    """Preprocessed batches of a `PyDataset`."""

    def __init__(self, dataset, prepare):
        super().__init__(
            workers=dataset.workers,
            use_multiprocessing=dataset.use_multiprocessing,
            max_queue_size=dataset.max_queue_size,
        )
        self.dataset = dataset
        self.prepare = prepare

    @property
    def num_batches(self):
        return self.dataset.num_batches

    def __getitem__(self, index):
        return _prepared(self.prepare, self.dataset[index])

    def on_epoch_begin(self):
        self.dataset.on_epoch_begin()

    def on_epoch_end(self):
        self.dataset.on_epoch_end()


class PreparedLoader(keras.utils.PyDataset):
    """Preprocessed batches of a torch `DataLoader`, in its order."""

    def __init__(self, loader, prepare):
        super().__init__()
        self.loader = loader
        self.prepare = prepare

    def __len__(self):
        return len(self.loader)

    def __getitem__(self, index):
        if index == 0:  # of an epoch, or of Keras' look at the first batch
            self.batches = iter(self.loader)
        return _prepared(self.prepare, next(self.batches))


def is_iterated(x):
    """Returns whether `x` gives batches that KerasHub does not take."""
    return (
        isinstance(x, keras.utils.PyDataset)
        or inspect.isgenerator(x)
        or _is_loader(x)
    )


def iterated(x, prepare):
    """Returns data of Keras with the preprocessed batches of `x`."""
    if inspect.isgenerator(x):
        return (_prepared(prepare, batch) for batch in x)
    if _is_loader(x):
        return PreparedLoader(x, prepare)
    return PreparedBatches(x, prepare)


def fit(task, plain, x, y, *args, **kwargs):
    """Trains a task on any data of Keras.

    Args:
        task: `VQA`.
        plain: `fit` of its base class, for the data that this takes.
        x: inputs of `keras.Model.fit`.
        y: targets, if `x` does not contain them.
        *args: the arguments of `keras.Model.fit` after those.
        **kwargs: others of them.
    """
    prepare = task.preprocess_samples
    validation = kwargs.get("validation_data")
    arrays = isinstance(x, dict) and kwargs["shuffle"]
    if not (arrays or is_iterated(x) or is_iterated(validation)):
        return plain(x, y, *args, **kwargs)
    if is_iterated(validation):
        kwargs["validation_data"] = iterated(validation, prepare)
    elif isinstance(validation, tuple):
        data = keras.utils.unpack_x_y_sample_weight(validation)
        size = args[0] if args else kwargs.get("batch_size")
        kwargs["validation_data"] = PreparedArrays(data, size, prepare, False)
    elif validation is not None and hasattr(validation, "map"):
        kwargs["validation_data"] = validation.map(prepare)
    if isinstance(x, dict):
        size = args[0] if args else kwargs.pop("batch_size", None)
        args = (None, *args[1:]) if args else args
        data = (x, y, kwargs.pop("sample_weight", None))
        fraction = kwargs.pop("validation_split", 0.0)
        if fraction and validation is None:
            data, held = split(data, fraction)
            kwargs["validation_data"] = PreparedArrays(
                held, size, prepare, False
            )
        x = PreparedArrays(data, size, prepare, kwargs["shuffle"])
        y, kwargs["shuffle"] = None, False
    elif is_iterated(x):
        x = iterated(x, prepare)
    elif hasattr(x, "map"):
        x = x.map(prepare)
    return keras.Model.fit(task, x, y, *args, **kwargs)


def split(data, fraction):
    """Returns the first rows of arrays and the last, a fraction, as Keras."""
    arrays = _arrays(data)
    size = _common_length(arrays)
    at = math.floor(size * (1.0 - fraction))
    if not 0 < at < size:
        raise ValueError(
            "`validation_split` must leave rows for training and validation. "
            f"Received: {fraction} of {size} rows"
        )
    return tuple(
        _take(arrays, rows) for rows in (slice(None, at), slice(at, None))
    )


def _is_loader(x):
    # Not by its class: torch need not be installed.
    return any(
        c.__name__ == "DataLoader" and c.__module__.startswith("torch.")
        for c in type(x).__mro__
    )


def _prepared(prepare, batch):
    batch = tree.map_structure(_numpy, batch)
    x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
    return tree.map_structure(_numpy, prepare(x, y, weight))


def _numpy(leaf):
    if leaf is None or isinstance(leaf, (str, bytes)):
        return leaf
    if hasattr(leaf, "detach"):  # a tensor of torch, perhaps on a GPU
        leaf = leaf.detach().cpu()
    return np.asarray(leaf)


def _arrays(data):
    if isinstance(data, dict):
        return {name: _arrays(value) for name, value in data.items()}
    if isinstance(data, tuple):
        return tuple(map(_arrays, data))
    return _numpy(data)


def _take(data, rows):
    if isinstance(data, dict):
        return {name: _take(value, rows) for name, value in data.items()}
    if isinstance(data, tuple):
        return tuple(_take(value, rows) for value in data)
    return None if data is None else data[rows]


def _without_objects(x):
    """Returns arrays of texts as lists, which tokenizers take."""
    if isinstance(x, dict):
        return {name: _without_objects(value) for name, value in x.items()}
    is_text = isinstance(x, np.ndarray) and x.dtype.kind in "OU"
    return x.tolist() if is_text else x


def _common_length(data):
    lengths = [len(leaf) for leaf in tree.flatten(data) if leaf is not None]
    if len(set(lengths)) != 1 or not lengths[0]:
        raise ValueError(
            "`x`, `y` and `sample_weight` must have a row per question. "
            f"Received: {lengths} rows"
        )
    return lengths[0]
