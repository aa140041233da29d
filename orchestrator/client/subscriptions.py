"""One subscription over one WebSocket, in the protocol graphql-transport-ws."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from typing_extensions import override
from websockets.asyncio.client import connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidMessage,
    InvalidStatus,
    WebSocketException,
)
from websockets.typing import Subprotocol

from orchestrator.client.errors import AnswerError, QueryError
from orchestrator.client.models import Fault, FaultExtensions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping

    from websockets.asyncio.client import ClientConnection

_SUBPROTOCOL = Subprotocol("graphql-transport-ws")
_MESSAGE = 32 * 1024 * 1024
"""Bytes: a turn of the longest answer, with what its model thought before, is two million characters,
each of which JSON may write as twelve bytes; the rest is for what stands around them.
"""
_FORBIDDEN = 4403
_LATE = 4408
"""How who is not let in is told, or not any more."""
PASSING = {408, 425, 429, 500, 502, 503, 504}
"""What a gateway says while the service behind it is being replaced."""


class _Handshake(connect):
    """Follows no redirect: the greeting would show the token to wherever it leads."""

    @override
    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class LostError(Exception):
    """The connection broke off; making another may help."""


class UnmadeError(LostError):
    """The connection could not even be made; trying again may help."""


async def subscribe(
    url: str,
    document: str,
    operation: str,
    variables: Mapping[str, Any],
    *,
    headers: Mapping[str, str],
    direct: bool,
    timeout: float,  # noqa: ASYNC109 - it bounds the handshake alone
) -> AsyncGenerator[Mapping[str, Any]]:
    """Yield the `data` of each result until the server completes.

    Args:
        url: ws:// or wss://.
        document: with one operation, a subscription.
        operation: its name.
        variables: its variables.
        headers: sent with the handshake, and as the payload of `connection_init` for servers behind
            a gateway that drops them.
        direct: without a proxy, whatever the environment says.
        timeout: for the handshake up to the acknowledgement, in seconds.

    Raises:
        LostError: the connection broke off, or as UnmadeError could not be made.
        QueryError: the server answered with errors, or does not let this caller in.
        AnswerError: the server closed because of what was said, or is none that speaks the protocol.
    """
    with _mapped(url):
        async with _Handshake(
            url,
            subprotocols=[_SUBPROTOCOL],
            additional_headers=headers,
            open_timeout=timeout,
            # A service that says nothing more is not waited for by who has pressed Ctrl-C.
            close_timeout=1,
            max_size=_MESSAGE,
            proxy=None if direct else True,
        ) as socket:
            if socket.subprotocol != _SUBPROTOCOL:
                raise AnswerError(url, f"it does not know the protocol {_SUBPROTOCOL}")
            await _send(socket, type="connection_init", payload=dict(headers))
            async with asyncio.timeout(timeout):
                await _acknowledged(socket, url)
            subscription = {
                "query": document,
                "operationName": operation,
                "variables": dict(variables),
            }
            await _send(socket, id="1", type="subscribe", payload=subscription)
            async with aclosing(_results(socket, url)) as results:
                async for data in results:
                    yield data


async def _results(socket: ClientConnection, url: str) -> AsyncGenerator[Mapping[str, Any]]:
    async for text in socket:
        match json.loads(text):
            case {"type": "next", "payload": {"errors": [*errors]}} if errors:
                raise QueryError(tuple(Fault.model_validate(error) for error in errors))
            case {"type": "next", "payload": {"data": data}}:
                yield data
            case {"type": "error", "payload": [*errors]} if errors:
                raise QueryError(tuple(Fault.model_validate(error) for error in errors))
            case {"type": "complete"}:
                return
            case {"type": "ping"}:
                await _send(socket, type="pong")
            case {"type": "pong"}:
                pass
            case _:
                raise AnswerError(url, "it sent a message that the protocol does not have")
    raise LostError("the server closed the connection before the end")


@contextmanager
def _mapped(url: str) -> Generator[None]:
    """Turn what can go wrong with a socket into our errors, most specific first."""
    try:
        yield
    except InvalidStatus as error:
        status = error.response.status_code
        if status in PASSING:
            raise UnmadeError(f"HTTP {status}") from error
        raise AnswerError(url, f"HTTP {status}") from error
    except ConnectionClosed as error:
        raise _closed(url, error) from error
    except TimeoutError as error:
        raise UnmadeError("no answer in time") from error
    except (OSError, EOFError, InvalidMessage) as error:
        raise UnmadeError(reason(error)) from error
    except ValidationError as error:
        raise AnswerError(url, "it sent errors of another form") from error
    except RecursionError as error:
        raise AnswerError(url, "it sent JSON that is nested too deeply") from error
    except (ValueError, WebSocketException) as error:
        raise AnswerError(url, str(error)) from error


def reason(error: BaseException) -> str:
    """Return in a few words why a connection failed, from wherever in the chain it is said best."""
    seen: list[BaseException] = [error]
    for one in seen:
        if isinstance(one, ConnectionRefusedError):
            return "the connection was refused"
        inner = one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        seen.extend(
            other
            for other in (*inner, one.__cause__, one.__context__)
            if other is not None and other not in seen
        )
    words = next((one.strerror for one in seen if isinstance(one, OSError) and one.strerror), None)
    return words or str(error) or type(error).__name__


async def _send(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def _acknowledged(socket: ClientConnection, url: str) -> None:
    """Wait for `connection_ack`; a server may ping before."""
    while True:
        match json.loads(await socket.recv()):
            case {"type": "connection_ack"}:
                return
            case {"type": "ping"}:
                await _send(socket, type="pong")
            case _:
                raise AnswerError(url, "it did not acknowledge the connection")


def _closed(url: str, error: ConnectionClosed) -> Exception:
    """Tell what was closed for a reason of the protocol (4400 to 4499) from what broke off."""
    received = error.rcvd
    if received is not None and received.code == _FORBIDDEN:
        said = received.reason or "the service does not let this caller in"
        return QueryError(
            (Fault(message=said, extensions=FaultExtensions(code="UNAUTHENTICATED")),)
        )
    if received is not None and received.code == _LATE:
        return LostError("the service had no greeting of ours in time")
    if received is not None and 4400 <= received.code < 4500:  # noqa: PLR2004
        return AnswerError(url, f"it closed with {received.code} {received.reason}".rstrip())
    return LostError("the connection broke off")
