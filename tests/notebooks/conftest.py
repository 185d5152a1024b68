from tests.fixtures.small_run import records  # noqa: F401
