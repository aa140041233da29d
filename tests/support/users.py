"""Users of the tests' Neo4j, beside the one that the tests themselves are."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from neo4j import AsyncDriver

from tests.support.neo4j import statement


@dataclass(frozen=True, slots=True)
class User:
    """A user, for as long as a test lasts."""

    name: str
    password: str
    """The first one."""
    _driver: AsyncDriver

    async def change_password(self, password: str) -> None:
        await _run(self._driver, "change_password", name=self.name, password=password)

    async def require_change(self) -> None:
        """Let nobody do anything with the password before it is changed."""
        await _run(self._driver, "require_change", name=self.name)


@asynccontextmanager
async def another_user(driver: AsyncDriver) -> AsyncGenerator[User]:
    """Make one, and remove him at the end."""
    user = User("guest", secrets.token_hex(16), driver)
    await _run(driver, "make_user", name=user.name, password=user.password)
    try:
        yield user
    finally:
        await _run(driver, "remove_user", name=user.name)


async def _run(driver: AsyncDriver, name: str, /, **parameters: Any) -> None:
    await driver.execute_query(statement(name), parameters, database_="system")
