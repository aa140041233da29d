"""Whether a Neo4j answers at an address: Bolt with its agent's name, and the Browser's door."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from http.client import HTTPConnection, HTTPException

from neo4j import AsyncGraphDatabase
from neo4j.exceptions import AuthError, DriverError, Neo4jError

from orchestrator.local.errors import StartError

_AGENT = "Neo4j/"
_TRY_SECONDS = 5.0


class WrongPasswordError(StartError):
    """The server answers, and does not take the password."""


async def ask(
    uri: str, user: str, password: str, *, http: tuple[str, int], ours: str
) -> str | None:
    """Answer the server's agent, such as `Neo4j/5.26.30`, or None where it does not answer yet.

    `ours` says whom we expect there, for the message when it is somebody else.

    Raises:
        StartError: Somebody answers who is no Neo4j.
        WrongPasswordError: It does not take the password.
    """
    if not await asyncio.to_thread(_has_browser, *http):
        return None
    agent = await _ask_bolt(uri, user, password)
    if agent is not None and not agent.startswith(_AGENT):
        raise StartError(f"{uri} is answered by {agent!r} and not by {ours}.")
    return agent


async def _ask_bolt(uri: str, user: str, password: str) -> str | None:
    driver = AsyncGraphDatabase.driver(
        uri, auth=(user, password), connection_timeout=_TRY_SECONDS, max_transaction_retry_time=0
    )
    async with driver:
        try:
            return (await driver.get_server_info()).agent
        except AuthError as error:
            raise WrongPasswordError(f"{uri} does not take the password.") from error
        except (DriverError, Neo4jError, OSError):
            return None


def _has_browser(host: str, port: int) -> bool:
    """Tell whether Neo4j's discovery answers; it is the last thing that a start brings up."""
    connection = HTTPConnection(host, port, timeout=_TRY_SECONDS)
    with suppress(OSError, HTTPException, ValueError):
        connection.request("GET", "/", headers={"Accept": "application/json"})
        found = json.loads(connection.getresponse().read())
        connection.close()
        return isinstance(found, dict) and "neo4j_version" in found
    connection.close()
    return False
