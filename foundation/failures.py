"""The failures that a person can mend: what is wrong, with the real values, then what to do."""


class FoundationError(Exception):
    """A failure that is explained: `message` says what is wrong, `remedy` what to do about it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}\n{remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy


class ProgramError(FoundationError):
    """A program is not there, or did not do what it was asked to."""


class EngineError(FoundationError):
    """The Docker engine refuses."""


class EngineGoneError(EngineError):
    """The Docker engine does not answer."""


class NotThereError(EngineError):
    """The engine has no such image, container or file in one."""


class StagingUnavailableError(FoundationError):
    """No staging container could be made, or it was lost: nothing is wrong with the app."""


class ArchiveError(FoundationError):
    """An archive is broken, too large, or would write outside of its folder."""


class RootfsError(FoundationError):
    """The image of a stack cannot be had or made."""


class StoreUnavailableError(FoundationError):
    """The database cannot be read or written now: the disk is full, or another program has locked it."""
