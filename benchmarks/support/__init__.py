"""Modules that the benchmarks share; `make bench` runs the files above."""
