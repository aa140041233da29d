"""Where log lines go, and in which form: constant event names, facts as fields, one line an outcome."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog
from structlog.typing import Processor
from typing_extensions import override

_LARGEST = 16 * 1024 * 1024
"""Bytes of a log file."""

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.UnicodeDecoder(),
)


def to_stderr(form: str | None) -> None:
    """Log to standard error, as `json` or `text`; where it is none, text on a terminal and else JSON."""
    chosen = form or ("text" if sys.stderr.isatty() else "json")
    _configure(_handler(logging.StreamHandler(), chosen, logging.INFO))


def to_terminal() -> None:
    """Show only what goes wrong, on standard error: the terminal is the user's."""
    _configure(_for_a_person())


def to_file(path: Path) -> None:
    """Log to the end of a file, and only what goes wrong to standard error: the terminal is the user's.

    Earlier runs stay in it, since a failure in the graph may say that the log has more; once it is large, it
    gives way to a new one, and the one before that is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _File(path, maxBytes=_LARGEST, backupCount=1, encoding="utf-8")
    _configure(
        _handler(file, "json", logging.INFO),
        _for_a_person(),
    )


class _File(RotatingFileHandler):
    """A file that says once where lines find no room in it: there may be very many."""

    _told = False

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._told:
            self._told = True
            why = f"the log {self.baseFilename} cannot be written: {error.strerror}"
            # The terminal may be gone, and whoever logs must not fail by that.
            with suppress(OSError):
                sys.stderr.write(f"council: {why}\n")

    @override
    def close(self) -> None:
        # The last lines may find none either.
        with suppress(OSError):
            super().close()


def _configure(*handlers: logging.Handler) -> None:
    logging.basicConfig(handlers=handlers, level=logging.INFO, force=True)
    # Such as of a coroutine that was never awaited: Python would print it past the form.
    logging.captureWarnings(capture=True)
    # Each says in many lines what the service says in one.
    for name in ("uvicorn", "httpx", "stamina"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # What the driver has to say is raised as well: told if it stays, and else was tried again. By neo4j:// it tells of each try for a graph
    # that is away, several times a second, and calls it an error.
    logging.getLogger("neo4j").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _for_a_person() -> logging.Handler:
    return _handler(logging.StreamHandler(), "text", logging.WARNING)


def _handler(handler: logging.Handler, form: str, level: int) -> logging.Handler:
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if form == "json":
        last += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        last += [_on_a_terminal()]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=last)
    )
    handler.setLevel(level)
    return handler


def _on_a_terminal() -> Processor:
    """Text for people. Tracebacks are plain: rich ones print local variables, which hold keys and prompts."""
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
