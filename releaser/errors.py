"""What can go wrong with a release: one class and one exit code for each kind."""


class TrainError(Exception):
    """A failure that is explained to the user: what is wrong, with the real values, then what to do."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ConfigError(TrainError):
    """sidecar.yml, an option or the environment is not usable."""

    exit_code = 2


class SourceError(TrainError):
    """The source cannot be released as it is: dirty, shallow, without a version, does not compile."""

    exit_code = 3


class StoreError(TrainError):
    """The bucket cannot be reached, refuses, or does not give back what was put."""

    exit_code = 4


class OverwriteError(TrainError):
    """A published name holds other bytes; nothing published is ever overwritten."""

    exit_code = 5


class GitError(TrainError):
    """The git remote cannot be reached or refuses."""

    exit_code = 6


class PackageError(TrainError):
    """The buildpack cannot be packaged, or a zip is not what it must be."""

    exit_code = 7


class FoundationError(TrainError):
    """The foundation cannot be reached, refuses, or cannot be used."""

    exit_code = 8


class NotAcceptedError(TrainError):
    """The foundation did not accept the candidate."""

    exit_code = 9


class SupersededError(TrainError):
    """Main has moved on to another source: nothing was pushed."""

    exit_code = 10


class WaitingError(TrainError):
    """Main is protected: somebody has to merge the release before it becomes public."""

    exit_code = 11


class EvidenceError(TrainError):
    """A step ended, but the world does not show what it should have done."""

    exit_code = 12


class SigningError(TrainError):
    """The release cannot be signed, or what is there was signed by another key."""

    exit_code = 16


class TakenError(TrainError):
    """Another source took the version meanwhile."""

    exit_code = 17


class VerifyError(TrainError):
    """A published release, or a zip of one, is not what it must be."""

    exit_code = 18


class UnvouchedError(TrainError):
    """A zip is what its statement says, but nobody whose key is known vouches for the statement."""

    exit_code = 19
