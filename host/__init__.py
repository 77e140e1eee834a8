"""What the machine must have: says what is missing, installs, starts, and cleans up."""
