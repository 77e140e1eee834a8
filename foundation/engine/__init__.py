"""The Docker engine: the one place that imports docker."""
