"""Runs: training, checkpoints, evaluation, results, provenance."""
