"""The command `council`."""
