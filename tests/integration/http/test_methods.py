"""Methods that a path does not have."""

from __future__ import annotations

from urllib.parse import urljoin

import httpx
import pytest

from tests.integration.http.serving import served
from tests.unit.api.doubles import House


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/graphql", {"GET", "POST"}),
        ("/graphiql/graphiql.js", {"GET", "HEAD"}),
        ("/livez", {"GET", "HEAD"}),
        ("/readyz", {"GET", "HEAD"}),
    ],
)
async def test_method_that_a_path_does_not_have_is_told_which_it_has(
    house: House, method: str, path: str, allowed: set[str]
) -> None:
    async with served(house) as url, httpx.AsyncClient(trust_env=False) as client:
        response = await client.request(method, urljoin(url, path))

    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == allowed
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"


async def test_method_without_an_answer_is_told_only_by_its_status(house: House) -> None:
    async with served(house) as url, httpx.AsyncClient(trust_env=False) as client:
        response = await client.head(url)

    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
