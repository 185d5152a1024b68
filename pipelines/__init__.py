"""Commands about data: `write_records` and `inspect_records`."""

import logging
import os

# Before anything imports TensorFlow, whose C++ side logs as it starts.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Apache Beam logs each missing optional package and each cache it makes.
logging.getLogger().setLevel(logging.ERROR)
logging.getLogger("apache_beam").setLevel(logging.ERROR)
# It logs a worker's error with its traceback; the driver reports it again.
logging.getLogger("apache_beam.runners.common").setLevel(logging.CRITICAL)
