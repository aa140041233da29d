"""Runs deliberations: accepts, claims, dispatches, records, resumes and decides. Declares what it asks of the graph and of models."""
