"""The door machine and the layers that decide a door's mode."""
