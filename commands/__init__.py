"""What the tasks do: putting the parts together, caring for this machine, checking the project itself."""
