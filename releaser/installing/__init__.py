"""Published versions on foundations: installs them, goes back, and says what is installed where."""
