"""What a run is: training, checkpoints, evaluation, provenance."""
