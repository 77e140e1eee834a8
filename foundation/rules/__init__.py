"""The rules of state, below HTTP: what may be created, changed and removed, and what follows from it."""
