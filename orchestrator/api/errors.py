"""Top-level errors: each with a code, the path of what it is about, and an id that is in the log too."""

from __future__ import annotations

import re
from collections.abc import Sequence

import structlog
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from graphql import GraphQLError
from orchestrator.api.limits import ClosedError, LimitError, TooManyError
from orchestrator.domain.errors import (
    ForbiddenError,
    RefusedError,
    TookTooLongError,
    TooSlowError,
    UnansweredError,
    UnavailableError,
    UnreadableError,
    outline,
)

_log = structlog.get_logger(__name__)

_VARIABLE = re.compile(r"Variable '\$(?P<name>\w+)' has invalid value(?: at (?P<inner>\S+?))?:")


RETRY_AFTER_SECONDS = 1
"""After how long may be asked again for what is not to be had now: in `retryAfter`, and in the header of a 429 or 503."""

_MESSAGE_SHOWN = (300, 100)
"""Characters of GraphQL's own message that are shown: of its beginning, and of its end."""

_NAME_LOGGED = 200
"""Characters of a path that are logged: its names may be a caller's own, and as long as he likes."""


def told(errors: Sequence[GraphQLError], correlation_id: str) -> list[GraphQLError]:
    """Give errors the form in which they are shown, and log them by the id that their caller is told."""
    away = [error for error in errors if _judged(error)[0] == "UNAVAILABLE"]
    if away:
        # Once, and not for each of the fields that need the same graph.
        _log.warning(
            "operation_unavailable",
            correlation_id=correlation_id,
            fields=[_field(error) for error in away],
            why=str(away[0].original_error),
        )
    late = [error for error in errors if _is_late(error)]
    if late:
        _log.info(
            "operation_too_slow",
            correlation_id=correlation_id,
            fields=[_field(error) for error in late],
        )
    _log_refusals(errors, correlation_id)
    return [coded(error, correlation_id) for error in errors]


def _log_refusals(errors: Sequence[GraphQLError], correlation_id: str) -> None:
    """Log once what is a mistake of the caller, however many it has; never what he sent, and no more of his names than tells which."""
    refused = [
        (code, path, error)
        for error in errors
        for code, _, path in [_judged(error)]
        if code not in {"UNAVAILABLE", "INTERNAL"} and not _is_logged_elsewhere(error)
    ]
    if refused:
        code, path, first = refused[0]
        _log.info(
            "operation_refused",
            correlation_id=correlation_id,
            code=code,
            path=".".join(path)[:_NAME_LOGGED],
            field=_field(first)[:_NAME_LOGGED],
            errors=len(refused),
        )


def _is_logged_elsewhere(error: GraphQLError) -> bool:
    """Whether there is a line about it already: of what is too late, is too much at once, or is not in the caller's scope."""
    return (
        _is_late(error)
        or isinstance(_limit(error), TooManyError)
        or isinstance(error.original_error, ForbiddenError)
    )


def coded(error: GraphQLError, correlation_id: str) -> GraphQLError:
    """Give an error its extensions. What is nobody's business but ours is logged and not shown."""
    code, message, path = _judged(error)
    limit = _limit(error)
    if code == "INTERNAL":
        _log.error(
            "operation_failed",
            correlation_id=correlation_id,
            field=_field(error),
            exc_info=error.original_error or error,
        )
    carried = extensions(code, path, correlation_id, limit)
    if isinstance(error.original_error, UnansweredError):
        # Sent again as it is, it may find its own doing in its way.
        del carried["retryAfter"]
    told = GraphQLError(message, path=error.path, extensions=carried)
    # Found anew, each would go through the whole document.
    told.locations = error.locations
    return told


def unread(error: UnavailableError, identifier: str | None = None) -> UnansweredError:
    """What is told where a mutation was carried out and what it wrote cannot be read now: nobody is to send it again for that."""
    name = "" if identifier is None else f" under the id {identifier}"
    return UnansweredError(
        f"it was carried out, and cannot be read now; look again later{name}", str(error)
    )


def removed_since(identifier: str) -> UnansweredError:
    """What is told where a mutation was carried out, now or when its key was first used, and what it wrote is gone."""
    return UnansweredError(
        f"it was carried out, and what had the id {identifier} has been removed since"
    )


def _field(error: GraphQLError) -> str:
    return ".".join(str(step) for step in error.path or ())


def extensions(
    code: str, path: tuple[str, ...], correlation_id: str, limit: LimitError | None
) -> dict[str, object]:
    """What every error carries; `limit` is the one that was passed, where one was."""
    carried: dict[str, object] = {
        "code": code,
        "path": list(path),
        "correlationId": correlation_id,
    }
    if limit is not None:
        carried["limit"] = limit.limit
    if code == "UNAVAILABLE" or isinstance(limit, TooManyError):
        carried["retryAfter"] = RETRY_AFTER_SECONDS
    return carried


def _judged(error: GraphQLError) -> tuple[str, str, tuple[str, ...]]:  # noqa: PLR0911 - a table
    """The code, the message and the path, for the caller."""
    cause = error.original_error
    if isinstance(cause, RefusedError):
        mistakes = cause.mistakes
        return mistakes[0].code, "; ".join(m.message for m in mistakes), mistakes[0].path
    if (limit := _limit(error)) is not None:
        return "LIMIT", limit.message, ()
    if isinstance(cause, UnavailableError):
        return "UNAVAILABLE", outline(cause.what), ()
    if isinstance(cause, ForbiddenError):
        return "FORBIDDEN", cause.why, (cause.field,)
    if isinstance(error, ClosedError):
        return "FORBIDDEN", error.message, ()
    if isinstance(cause, UnreadableError):
        return "INTERNAL", f"{cause}; the service's log has more under the correlation id", ()
    if (unfit := _unfit(cause)) is not None:
        return "INVALID_INPUT", _shortened(unfit), ()
    if (cause is None or isinstance(cause, GraphQLError)) and not _is_of_a_value(error):
        return "INVALID_INPUT", _shortened(error.message), _variable(error.message)
    return "INTERNAL", "the service failed at this; its log has more under the correlation id", ()


def _is_of_a_value(error: GraphQLError) -> bool:
    """Whether a value of ours has no form in the answer, such as a number that is no Int.

    GraphQL has one kind of error for this and for a wrong argument, but of an argument it says where in the document it stands.
    """
    cause = error.original_error
    return error.path is not None and isinstance(cause, GraphQLError) and cause.nodes is None


def _unfit(cause: BaseException | None) -> str | None:
    """What is wrong with a request that has no operation for the way on which it came; where that way is a stream, Strawberry raises it."""
    match cause:
        case MissingQueryError():
            return 'the request has no "query"'
        case CannotGetOperationTypeError():
            return cause.as_http_error_reason()
        case InvalidOperationTypeError():
            return sent_rightly(cause.operation_type)
        case _:
            return None


def sent_rightly(kind: OperationType) -> str:
    """Say how an operation is sent that came in a way in which it is not answered."""
    if kind is OperationType.SUBSCRIPTION:
        return (
            "a subscription must be sent over a WebSocket that speaks graphql-transport-ws, "
            "or with the header `Accept: text/event-stream`, at this path"
        )
    return f"a {kind.value} must be sent with POST"


def _limit(error: GraphQLError) -> LimitError | None:
    """The limit of operations that was passed, where one was: by the whole one, or by one of its fields."""
    cause = error.original_error
    if isinstance(cause, TookTooLongError):
        return LimitError("seconds", cause.seconds, cause.seconds, cause.what)
    if isinstance(cause, TooSlowError):
        return LimitError("changesWaiting", cause.most + 1, cause.most, str(cause))
    return next((one for one in (error, cause) if isinstance(one, LimitError)), None)


def _is_late(error: GraphQLError) -> bool:
    limit = _limit(error)
    return limit is not None and limit.limit["name"] == "seconds"


def _shortened(message: str) -> str:
    """Leave out the middle of a message that quotes a whole value, however long."""
    head, tail = _MESSAGE_SHOWN
    return message if len(message) <= head + tail else f"{message[:head]} … {message[-tail:]}"


def _variable(message: str) -> tuple[str, ...]:
    """Where in the variables a value is of the wrong type, as far as GraphQL's own message tells."""
    match = _VARIABLE.match(message)
    if match is None:
        return ()
    inner = re.findall(r"\w+", match["inner"] or "")
    return (match["name"], *inner)
