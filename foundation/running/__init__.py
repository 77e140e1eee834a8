"""Keeps the processes of started apps running, one container for each instance."""
