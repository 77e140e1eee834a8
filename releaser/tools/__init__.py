"""The tools that the steps act with: one module for each thing in the world."""
