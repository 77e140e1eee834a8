"""The one test of the suite that pushes nothing."""


def test_nothing() -> None:
    """Pass."""
