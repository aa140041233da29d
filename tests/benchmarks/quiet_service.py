"""The service as a process, whose log is shown only where something went wrong."""

from __future__ import annotations

import contextlib
import io
import sys
from types import TracebackType

from typing_extensions import override

from tests.support.service_process import ServiceProcess


class QuietService(ServiceProcess):
    """A ServiceProcess for programs: tests show their output only where they fail."""

    @override
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.redirect_stdout(io.StringIO() if error is None else sys.stderr):
            await super().__aexit__(kind, error, trace)
