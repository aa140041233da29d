"""The typed client of the API: what the command line speaks through, and what users import."""
