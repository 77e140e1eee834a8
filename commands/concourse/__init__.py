"""Concourse's files in ci/ and its program fly: what is wrong with them, what they need, how they are set."""
