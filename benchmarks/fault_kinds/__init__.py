"""The kinds of faults that `benchmarks/faults.py` injects."""
