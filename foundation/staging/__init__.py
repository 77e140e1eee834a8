"""Stages apps in containers, in a bounded pool."""
