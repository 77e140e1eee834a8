"""The seven verbs of the train, one module each: `skip`, `find` and `run`; see releaser/runner.py."""
