"""Councils and history as a file: out of one graph, into another, and both held against each other."""
