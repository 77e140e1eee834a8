"""Verifies a published release: against git and bucket, by one file beside a zip, or by a second build."""
