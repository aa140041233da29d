"""Who asks under another name than the service's, or from another site's page: he is told so once a connection."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from tests.integration.http.serving import served
from tests.unit.api.doubles import House


@pytest.mark.parametrize(
    "headers",
    [b"", b"host: evil.example\r\n", b"host: localhost\r\norigin: https://evil.example\r\n"],
    ids=["no name", "another name", "another page"],
)
async def test_what_is_refused_many_times_in_one_send_is_one_line_of_the_log(
    house: House, headers: bytes
) -> None:
    with capture_logs() as logs:
        async with served(house) as url:
            where = urlsplit(url)
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(b"GET / HTTP/1.1\r\n%b\r\n" % headers * 100)
            async with asyncio.timeout(10):
                answer = await reader.read()
            writer.close()

    assert answer.count(b"HTTP/1.1 ") == 1
    assert [line["event"] for line in logs] == ["site_refused"]
