"""What ends a build, or keeps a pipeline from being set."""


class RefusedError(Exception):
    """The pipeline or a task file holds what fly would refuse, or what is not played here."""


class StepError(Exception):
    """A step cannot be run at all: its build is errored, which no `on_failure` sees."""


class ScriptError(Exception):
    """A resource's own program ended with an error: its check, or the step, fails."""
