"""Connections as uvicorn has them, which let go of a client that does not read or write, and keep little for one that waits."""
