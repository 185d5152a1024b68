from tests.fixtures.small_run import call  # noqa: F401
from tests.fixtures.small_run import call_killed  # noqa: F401
from tests.fixtures.small_run import records  # noqa: F401
from tests.fixtures.small_run import run  # noqa: F401
from tests.fixtures.small_run import write_records  # noqa: F401
from tests.fixtures.small_run import zoo_folder  # noqa: F401
