"""Bounds on everything that a caller can make big. Texts are counted in characters."""

NAME = 255
ROLE_NAME = 200
"""Default names of councils and agents are a role's with a number, and are names too."""
ROLE_DESCRIPTION = 10_000
IDEMPOTENCY_KEY = 200
"""It is kept with the caller's name and the mutation's before it."""
DESCRIPTION = 100_000
CONTEXT = 200_000
RUBRIC = 20_000
REASON = 2_000
"""Of a cancel."""
PERSONA = 10_000
REQUIREMENTS = 50
REQUIREMENT = 2_000
METADATA = 10_000
"""As JSON text."""
METADATA_DEPTH = 20
URL = 2_048
SEATS = 15
ENDPOINTS = 100
"""Each process watches each of them."""
ROUNDS = 10
TEMPERATURE = 2.0
TOKENS = 32_768
"""Of one answer."""
DEADLINE_SECONDS = 7 * 24 * 3600
RETRIES = 100
"""Of one deliberation, which are listed together; each of them may be retried as often."""
TOKEN_BUDGET = 2**53
"""The largest count that JSON holds exactly everywhere."""
