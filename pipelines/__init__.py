"""Commands that run Apache Beam pipelines."""

import logging
import os

# Before anything imports TensorFlow, whose C++ side logs as it starts.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Apache Beam tells of each optional package it misses and each cache it makes.
logging.getLogger().setLevel(logging.ERROR)
logging.getLogger("apache_beam").setLevel(logging.ERROR)
# It prints what a worker raised with its traceback; the driver says it again.
logging.getLogger("apache_beam.runners.common").setLevel(logging.CRITICAL)
