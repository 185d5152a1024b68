from tests.fixtures.region_files import index  # noqa: F401
from tests.fixtures.small_images import images  # noqa: F401
from tests.fixtures.small_images import make_image  # noqa: F401
from tests.fixtures.small_images import records  # noqa: F401
from tests.fixtures.small_images import write_records  # noqa: F401
