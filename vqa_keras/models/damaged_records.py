"""Names the shard where `fit` on records fails."""

import contextlib


@contextlib.contextmanager
def naming_damage(*datasets):
    """Raises a `UserError` that names the shard where TensorFlow fails.

    Args:
        *datasets: arguments of `fit`; those of `Records.load` have files.

    Raises:
        UserError: if the error in the context comes from a damaged shard.
    """
    with contextlib.ExitStack() as stack:
        for dataset in datasets:
            known = getattr(dataset, "vocabularies", None)
            if known is not None:
                stack.enter_context(known.files.naming_damage())
        yield
