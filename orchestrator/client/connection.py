"""What the generated operations are sent by: over HTTP or a WebSocket, and again where a broken connection left them unanswered."""

from __future__ import annotations

import asyncio
import json
import math
import random
import ssl
from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx
from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from orchestrator.client.errors import (
    AnswerError,
    CertificatesError,
    ClientError,
    ProxyError,
    QueryError,
    RefusedError,
    UnreachableError,
)
from orchestrator.client.generated.base_model import UNSET
from orchestrator.client.models import Fault, Mistake
from orchestrator.client.subscriptions import PASSING, reason, subscribe
from orchestrator.domain.addresses import is_loopback, without_password
from orchestrator.domain.callers import token_mistake
from orchestrator.domain.places import place

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

Model = TypeVar("Model", bound=BaseModel)

_ACCEPTED = "application/graphql-response+json, application/json;q=0.9"
_ATTEMPTS = 4
_HIGHEST_PORT = 65_535


class Connection:
    """Speaks to one service until it is closed."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None,
        timeout: float,
    ) -> None:
        """Open nothing yet; the arguments are those of CouncilClient."""
        unfit = f"{without_password(url)!r} is no address such as http://127.0.0.1:8080"
        try:
            base = httpx.URL(url.strip().rstrip("/").removesuffix("/graphql"))
        except httpx.InvalidURL as error:
            raise ValueError(unfit) from error
        # What is asked for is appended to its path.
        if base.scheme not in {"http", "https"} or not base.host or set("?#") & set(url):
            raise ValueError(unfit)
        if (base.port or 0) > _HIGHEST_PORT:
            raise ValueError(unfit)
        # What httpx and websockets say of such a header quotes it.
        if token is not None and (mistake := token_mistake(token)):
            raise ValueError(f"a token {mistake}")
        self.url: str = str(base).rstrip("/")
        self._socket_url: str = f"ws{self.url.removeprefix('http')}/graphql"
        self._headers: dict[str, str] = (
            {} if token is None else {"Authorization": f"Bearer {token}"}
        )
        # A proxy of the environment is for the way out; this machine isn't on it.
        self._direct: bool = is_loopback(base.host) or base.host.endswith(".localhost")
        self._timeout: float = timeout
        try:
            self._http: httpx.AsyncClient = httpx.AsyncClient(
                headers={
                    "Accept": _ACCEPTED,
                    "Content-Type": "application/json",
                    **self._headers,
                },
                timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
                # Left to httpx, SSL_CERT_FILE would count only where a proxy may.
                verify=httpx.create_ssl_context()
                if base.scheme == "https"
                else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
                trust_env=not self._direct,
            )
        except OSError as error:
            raise CertificatesError(str(error)) from error
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            # Of what was given only a proxy is looked at yet. What httpx says of it may quote its password.
            raise ProxyError from error

    async def aclose(self) -> None:
        """Close what is open."""
        await self._http.aclose()

    async def execute(
        self,
        query: str,
        operation_name: str | None,
        variables: Mapping[str, object],
        *,
        repeatable: bool = True,
        patience: float = 0.0,
    ) -> Mapping[str, Any]:
        """Send a document and return the data of the answer.

        It is sent again where the service says after how long, and where the connection broke off before the answer.

        Args:
            query: with one operation, a query or a mutation.
            operation_name: its name; none: the one that it has.
            variables: its variables; models of inputs among them.
            repeatable: whether it may be sent twice; where not, a connection that breaks off is an UnreachableError.
            patience: how many seconds the service may take besides, as it was asked to.

        Raises:
            ValueError: JSON cannot hold a variable; nothing was sent.
        """
        body = {"query": query, "operationName": operation_name, "variables": _plain(variables)}
        # Half a surrogate pair has no UTF-8, but JSON has an escape for it: the service says where it stands.
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")
        timeout = httpx.Timeout(self._timeout + patience, connect=min(self._timeout, 5.0))
        pauses = growing()
        put_off = sent = reached = False
        for attempt in range(1, _ATTEMPTS + 1):
            pause = next(pauses)
            try:
                response = await self._http.post(
                    f"{self.url}/graphql", content=content, timeout=timeout
                )
                return self._data(response)
            except ClientError as error:
                error.sent = error.sent or sent
                wanted = error.retry_after if isinstance(error, QueryError) else None
                # Once: behind one address another process may have taken over from one that ends.
                if put_off or wanted is None or wanted > self._timeout or attempt == _ATTEMPTS:
                    raise
                put_off, reached, pause = True, True, wanted
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as error:
                sent = reached = True
                if attempt == _ATTEMPTS or not repeatable:
                    raise UnreachableError(
                        self.url, "the connection broke off", sent=sent, reached=reached
                    ) from error
            except httpx.TimeoutException as error:
                made = not isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
                raise UnreachableError(
                    self.url,
                    f"no answer within {self._timeout + patience:g} seconds",
                    sent=sent or made,
                    reached=reached,
                ) from error
            except httpx.DecodingError as error:
                undecoded = AnswerError(self.url, "its answer is not encoded as it says")
                undecoded.sent = True
                raise undecoded from error
            except (httpx.TransportError, httpx.InvalidURL) as error:
                raise UnreachableError(
                    self.url, reason(error), sent=sent, reached=reached
                ) from error
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def get_data(self, response: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what `execute` returned, where nothing in it was refused.

        Raises:
            RefusedError: the input of a mutation has mistakes.
        """
        for payload in response.values():
            match payload:
                case {"errors": [*mistakes]} if mistakes:
                    raise RefusedError(tuple(self.read(Mistake, mistake) for mistake in mistakes))
                case _:
                    pass
        return response

    async def execute_ws(
        self, query: str, operation_name: str, variables: Mapping[str, object]
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """Yield the data of each result of a subscription until the service completes it; raises as `subscribe` does."""
        results = subscribe(
            self._socket_url,
            query,
            operation_name,
            _plain(variables),
            headers=self._headers,
            direct=self._direct,
            timeout=min(self._timeout, 10.0),
        )
        async with aclosing(results):
            async for data in results:
                yield data

    def read(self, kind: type[Model], data: object) -> Model:
        """Return what came as what it was to be."""
        try:
            return kind.model_validate(data)
        except ValidationError as error:
            raise self.misread(error) from error

    def misread(self, error: ValidationError) -> AnswerError:
        """Say what was wrong with what came."""
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        return AnswerError(self.url, f"{where}: {first['msg']}")

    def _data(self, response: httpx.Response) -> Mapping[str, Any]:
        status = response.status_code
        try:
            answer = response.json()
        except (ValueError, RecursionError):
            answer = None
        match answer:
            # No document is answered with 404; under another path the service says so in the form of all errors.
            case {"errors": [*errors]} if errors and status != 404:  # noqa: PLR2004
                raise QueryError(self._faults(errors, status))
            case {"data": {**data}}:
                return data
            case _:
                what = "" if status in PASSING else ": it is no council service"
                raise self._of_another(status, f"no GraphQL in it{what}")

    def _faults(self, errors: Sequence[object], status: int) -> tuple[Fault, ...]:
        """Read errors; others than ours may come from whatever else answers HTTP in JSON, such as Neo4j."""
        try:
            return tuple(Fault.model_validate(error) for error in errors)
        except ValidationError as error:
            what = "errors of another form: it is no council service"
            raise self._of_another(status, what) from error

    def _of_another(self, status: int, what: str) -> AnswerError:
        """Say what came in place of the service's answer."""
        passing = status in PASSING
        error = AnswerError(self.url, f"HTTP {status}, and {what}", passing=passing)
        # A gateway has lost the service's answer, or never had one.
        error.sent = passing or status >= 500  # noqa: PLR2004
        return error


def growing() -> Iterator[float]:
    """Yield the seconds between attempts: growing to five, and spread, so that many clients don't come back at once."""
    pause = 0.1
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        pause = min(pause * 2, 5.0)


def _plain(variables: Mapping[str, object], path: tuple[str, ...] = ()) -> dict[str, object]:
    """Return what JSON can hold, without what was left out: that is something else than null.

    Raises:
        ValueError: JSON cannot hold something in it; it says what, and where.
    """
    return {
        str(name): _plain_value(value, (*path, str(name)))
        for name, value in variables.items()
        if value is not UNSET
    }


def _plain_value(value: object, path: tuple[str, ...]) -> object:
    match value:
        case None | str() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case BaseModel():
            return _plain(value.model_dump(by_alias=True, exclude_unset=True), path)
        case Mapping():
            return _plain(cast("Mapping[str, object]", value), path)
        case list() | tuple():
            values = cast("Sequence[object]", value)
            return [_plain_value(one, (*path, str(at))) for at, one in enumerate(values)]
        case float():
            pass
        case _:
            # A date, or what else has a form in JSON by custom; of a number that has none it would make null.
            with suppress(ValueError):
                return _plain_value(to_jsonable_python(value, inf_nan_mode="constants"), path)
    raise ValueError(f"{place(path)} must be what JSON can hold, and is {value!r}")
