"""The mutations, one a module: look at the input, ask a port, read back what came of it."""
