"""Archives that users and buildpacks bring.

Nothing is written outside of the target, no link leads out of it, and nothing unpacks to more than a limit.
"""
