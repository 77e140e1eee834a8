"""Breaks releases on purpose, from outside, and decides whether what is left of them keeps every promise.

It knows the train by its command, its bucket and its git remote alone: nothing of `releaser`, `embedded` or
`commands` is imported here.
"""
