"""What can go wrong with the embedded environment."""


class EmbeddedError(Exception):
    """A part of the embedded environment cannot be had: what is wrong, then what to do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
