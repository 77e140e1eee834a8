"""What can go wrong with the machine."""


class HostError(Exception):
    """The machine lacks something: what, with the real values, then what to do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
