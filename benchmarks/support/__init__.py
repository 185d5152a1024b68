"""What the benchmarks share; `make bench` runs the files beside this folder."""
