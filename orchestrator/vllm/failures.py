"""What can go wrong with a call, in words that say what to do, and whether asking again can help."""

from __future__ import annotations

import json
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import httpx
from aiohttp.http_exceptions import HttpProcessingError

from orchestrator.domain.councils import Endpoint
from orchestrator.domain.deliberations import Usage
from orchestrator.domain.errors import ModelError
from orchestrator.vllm.breaker import Trouble
from orchestrator.vllm.connections import AddressRefusedError, Line
from orchestrator.vllm.shapes import as_count, as_list, as_object
from orchestrator.vllm.unicode import REPLACEMENT, valid

LONGEST_WORDS: Final = 300
"""Characters of a server's own words that are shown."""

LONGEST_WAIT: Final = 300.0
"""Seconds that a server's Retry-After is honoured for."""

_SERVER_ERRORS: Final = 500

_LARGEST_STATUS: Final = 599

_STATUS: Final = re.compile("[0-9]{3}")

_WORDS_AT: Final = ("error", "message", "msg", "detail")

_WORDS_DEEP: Final = 8
"""How deep in an error's body words are looked for: a server may nest it to whatever depth."""

_AT_WORK: Final = "already running"
"""Words by which an older vLLM says that it is still at work for a request of the same id: of a process that was overtaken."""

_TOO_LONG: Final = (
    "context length",
    "context size",
    "model length",
    "max_tokens",
    "too long",
    "too large",
)
"""Words by which servers say that prompt and answer do not fit."""


NOTHING: Final = Usage()
"""What a call used that the server did not begin with."""


class EndpointError(ModelError):
    """A failure that tells how the endpoint is, and not only what it makes of one call; asking again can help."""

    def __init__(self, reason: str, trouble: Trouble, *, retry_after: float | None = None) -> None:
        """`retry_after` is in seconds, where the server asked for it."""
        self.trouble: Trouble = trouble
        super().__init__(
            reason,
            retryable=True,
            retry_after=retry_after,
            usage=NOTHING if trouble.untaken else None,
        )


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of failure; `says` is a phrase that follows the endpoint's name, `words` the exception's own.

    One without trouble is not worth asking again.
    """

    says: str
    trouble: Trouble | None
    words: bool = False
    of_tls: frozenset[str] = frozenset()
    """It is this kind for these reasons of OpenSSL alone; for any where there are none."""

    def fits(self, exc: BaseException) -> bool:
        """Whether an exception of its type is of this kind."""
        return not self.of_tls or (
            isinstance(exc, aiohttp.ClientConnectorError)
            and getattr(exc.os_error, "reason", None) in self.of_tls
        )


_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST"})

_CONNECTING: Final[tuple[tuple[type[BaseException], _Kind], ...]] = (
    # The most specific first: the first that fits speaks. httpx-aiohttp calls a refused
    # connection a ConnectTimeout, so it is aiohttp's own exception that is looked at.
    (AddressRefusedError, _Kind("must not be spoken to", None, words=True)),
    (
        aiohttp.ClientConnectorDNSError,
        _Kind("has a host whose name leads nowhere now", Trouble.UNREACHED),
    ),
    (
        aiohttp.ClientConnectorCertificateError,
        _Kind("has a certificate that is not trusted", None, words=True),
    ),
    (
        aiohttp.ClientConnectorSSLError,
        _Kind("does not speak TLS", None, words=True, of_tls=_NO_TLS),
    ),
    # As of a balancer that has nobody behind it yet.
    (
        aiohttp.ClientConnectorSSLError,
        _Kind("ended the TLS handshake", Trouble.UNREACHED, words=True),
    ),
    (aiohttp.ClientConnectorError, _Kind("cannot be reached", Trouble.UNREACHED, words=True)),
    (
        aiohttp.ConnectionTimeoutError,
        _Kind("did not take the connection in time", Trouble.UNREACHED),
    ),
    (aiohttp.SocketTimeoutError, _Kind("fell silent", Trouble.SILENT)),
    (
        aiohttp.ServerDisconnectedError,
        _Kind("closed the connection without an answer", Trouble.BROKEN),
    ),
    (aiohttp.ClientPayloadError, _Kind("cut its answer off", Trouble.BROKEN)),
    (aiohttp.ClientConnectionError, _Kind("lost the connection", Trouble.BROKEN, words=True)),
    (aiohttp.ClientResponseError, _Kind("does not speak HTTP", None, words=True)),
    (HttpProcessingError, _Kind("does not speak HTTP", None, words=True)),
    (aiohttp.InvalidURL, _Kind("has a URL that cannot be used", None)),
    (httpx.InvalidURL, _Kind("has a URL that cannot be used", None)),
    (httpx.TimeoutException, _Kind("did not answer in time", Trouble.SILENT)),
    (TimeoutError, _Kind("did not answer in time", Trouble.SILENT)),
    (OSError, _Kind("lost the connection", Trouble.BROKEN, words=True)),
)

CALL_ERRORS: Final = (
    httpx.HTTPError,
    httpx.InvalidURL,
    aiohttp.ClientError,
    HttpProcessingError,
    OSError,
)
"""What sending a request and reading its answer can raise."""


def of_exception(line: Line, exc: BaseException, *, begun: bool = False) -> ModelError:
    """Turn what a request raised into ours; `begun`: the head of an answer had come."""
    for candidate in _behind(exc):
        for kind, said in _CONNECTING:
            if isinstance(candidate, kind) and said.fits(candidate):
                words = f": {bounded(line, _plain(candidate))}" if said.words else ""
                # Who has begun to answer may have done anything.
                trouble = said.trouble or (Trouble.BROKEN if begun else None)
                return _failure(f"{_name(line)} {said.says}{words}", trouble)
    return ModelError(
        f"{_name(line)} could not be asked: {bounded(line, f'{type(exc).__name__}: {exc}')}",
        retryable=False,
    )


_TROUBLES: Final[Mapping[int, Trouble]] = {
    HTTPStatus.TOO_MANY_REQUESTS: Trouble.LIMITED,
    HTTPStatus.SERVICE_UNAVAILABLE: Trouble.OVERRUN,
}


def _trouble(status: int) -> Trouble | None:
    return _TROUBLES.get(status, Trouble.BROKEN if status >= _SERVER_ERRORS else None)


def _is_of_length(words: str) -> bool:
    # OpenAI's newer models know no max_tokens, however long the prompt is.
    return "unsupported parameter" not in words and any(sign in words for sign in _TOO_LONG)


def _advice(line: Line, status: int, words: str) -> str:
    """Say what to do about a status, where there is something to say."""
    match status:
        case 400 | 413 | 422 if _is_of_length(words.lower()):
            return "shorten the task, lower the agent's maxTokens, or serve a longer context"
        case 401 | 403:
            variable = line.key_variable
            return (
                "give the endpoint the name of a variable that holds its key"
                if variable is None
                else f"check {variable} where the service runs"
            )
        case 404 | 405:
            return f"is {line.address.base} the address of an OpenAI-compatible API?"
        case _:
            return ""


def of_status(
    line: Line,
    status: int,
    body: str,
    headers: Mapping[str, str],
    *,
    now: datetime,
    advice: str | None = None,
) -> ModelError:
    """Turn an answer that is an error into ours; `advice` stands in for the table's."""
    words = bounded(line, words_of(body))
    todo = advice if advice is not None else _advice(line, status, words)
    reason = (
        f"{_name(line)} answered {_status_words(status)}"
        + (f": {words}" if words else "")
        + (f" ({todo})" if todo else "")
    )
    retry_after = _retry_after(headers.get("retry-after"), now)
    trouble = _trouble(status)
    if trouble is not None:
        return EndpointError(reason, trouble, retry_after=retry_after)
    timed_out = status == HTTPStatus.REQUEST_TIMEOUT
    retryable = timed_out or _AT_WORK in words
    return ModelError(
        reason,
        retryable=retryable,
        retry_after=retry_after if retryable else None,
        # A time-out may be that of a balancer, behind which the server goes on.
        usage=None if timed_out else NOTHING,
    )


def redirected(line: Line, status: int, location: str) -> ModelError:
    """Turn a redirect, which is never followed, into ours."""
    return ModelError(
        f"{_name(line)} answered {_status_words(status)} to {bounded(line, location)!r}: redirects are not followed, give the endpoint the URL that is meant",
        retryable=False,
        usage=NOTHING,
    )


def of_chunk(line: Line, error: Any, *, begun: bool) -> ModelError:
    """Turn an error inside a stream, whose status was 200, into ours; `begun`: a piece of the answer had come.

    vLLM tells so, before any piece, of a queue that has filled up since it began to answer.
    """
    code = (as_object(error) or {}).get("code")
    # LiteLLM tells it as a text.
    status = as_count(int(code) if isinstance(code, str) and _STATUS.fullmatch(code) else code)
    if not HTTPStatus.BAD_REQUEST <= status <= _LARGEST_STATUS:
        status = _SERVER_ERRORS
    words = bounded(line, _words(error))
    reason = f"{_name(line)} broke off its answer with an error" + (f": {words}" if words else "")
    trouble = _trouble(status)
    if trouble is None or (begun and status < _SERVER_ERRORS):
        again = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
        return ModelError(reason, retryable=status in again or _AT_WORK in words)
    return EndpointError(reason, Trouble.BROKEN if begun else trouble)


def unforeseen(endpoint: Endpoint, exc: Exception) -> ModelError:
    """Turn what nobody foresaw into ours, by its type alone: what it says may hold anything."""
    return ModelError(
        f"endpoint {endpoint.name} could not be asked: {type(exc).__name__}", retryable=False
    )


def cut(line: Line, how: str) -> ModelError:
    """The answer ended before it was complete."""
    return EndpointError(f"{_name(line)} cut its answer off: {how}", Trouble.BROKEN)


def silent(line: Line) -> ModelError:
    """Nothing of the answer came any more, whatever else did."""
    return EndpointError(
        f"{_name(line)} fell silent: nothing of an answer came for {line.silence_seconds:g} s",
        Trouble.SILENT,
    )


def given_up(error: ModelError) -> ModelError:
    """An endpoint took a call at none of several times, for as long as that could be borne."""
    return ModelError(f"{error.reason}, time and again", retryable=False, usage=error.usage)


def silent_again(error: ModelError) -> ModelError:
    """The silence of an endpoint that had been silent before, and was given another chance."""
    return ModelError(f"{error.reason}, and not for the first time", retryable=False)


def unusable(line: Line, how: str) -> ModelError:
    """The server sent what is no answer, and would again."""
    return ModelError(f"{_name(line)} sent {how}", retryable=False)


def _failure(reason: str, trouble: Trouble | None) -> ModelError:
    if trouble is None:
        # All of these are about the way to the server.
        return ModelError(reason, retryable=False, usage=NOTHING)
    return EndpointError(reason, trouble)


def words_of(body: str) -> str:
    """Find the server's own words in an error's body, whose form differs by server and by kind of error."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return body
    return _words(told)


def bounded(line: Line, words: str) -> str:
    """Return words fit to be shown: one line, valid, printable, without the key, and not too long."""
    text = " ".join(valid(line.unspoken(words[: 10 * LONGEST_WORDS])).split())
    # A terminal obeys escape sequences, and shows what follows a mark of direction in another order.
    text = "".join(one if one.isprintable() else REPLACEMENT for one in text)
    return text if len(text) <= LONGEST_WORDS else f"{text[: LONGEST_WORDS - 1]}…"


def _name(line: Line) -> str:
    return f"endpoint {line.endpoint.name}"


def _words(told: Any, deep: int = 0) -> str:
    """vLLM: {"error": {"message": …}}, {"error": "…"}, {"detail": "…"}; others a list or a bare message."""
    if isinstance(told, str):
        return told
    if deep == _WORDS_DEEP:
        return ""
    several = as_list(told)
    if several:
        return "; ".join(filter(None, (_words(one, deep + 1) for one in several[:3])))
    fields = as_object(told) or {}
    words = next((_words(fields[name], deep + 1) for name in _WORDS_AT if fields.get(name)), "")
    # FastAPI says of what part of the body it speaks beside that.
    where = ".".join(one for one in as_list(fields.get("loc"))[1:] if isinstance(one, str))
    return f"{where}: {words}" if where and words else words


def _behind(exc: BaseException) -> list[BaseException]:
    """What caused it, the innermost first."""
    chain: list[BaseException] = []
    current: BaseException | None = exc
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__
    refused = [
        one.os_error
        for one in chain
        if isinstance(one, aiohttp.ClientConnectorError)
        and isinstance(one.os_error, AddressRefusedError)
    ]
    ours = [one for one in chain if isinstance(one, (aiohttp.ClientError, HttpProcessingError))]
    return [*refused, *ours, *(one for one in chain if one not in ours)]


def _plain(exc: BaseException) -> str:
    if isinstance(exc, aiohttp.ClientConnectorError):
        reason = exc.os_error
        if reason.errno and not isinstance(reason, ssl.SSLError):
            # "Connection refused", without the call that was made; an SSL error's number is none of the system's.
            return os.strerror(reason.errno)
        return str(reason)
    return str(exc) or type(exc).__name__


def _status_words(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds or an HTTP date; bounded, for a server may say anything."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    if seconds != seconds:  # noqa: PLR0124 - NaN
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)
