"""Benchmarks against named rivals: each builds what it compares and runs both sides in turn."""
