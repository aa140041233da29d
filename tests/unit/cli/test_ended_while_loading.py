"""SIGTERM and SIGHUP while the command is loaded: a container's first process gets only signals that it asked for."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from orchestrator.cli.exits import Exit

LOADING = """\
import os, signal, sys
from importlib.abc import MetaPathFinder

class Sends(MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname == "orchestrator.cli.app":
            os.kill(os.getpid(), {number})
            raise KeyboardInterrupt

{before}
sys.meta_path.insert(0, Sends())
from orchestrator.cli import main
main()
"""
"""Where the module with all commands is looked for, a signal comes, and after it, where that was nothing, Ctrl-C."""


def _exit_code(number: signal.Signals, before: str) -> int:
    code = LOADING.format(number=int(number), before=before)
    return subprocess.run([sys.executable, "-c", code], check=False).returncode


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, Exit.TERMINATED), (signal.SIGHUP, Exit.HUNG_UP)],
    ids=["TERM", "HUP"],
)
def test_a_signal_before_a_command_has_begun_is_taken_and_ends_it_with_the_code_it_has_later(
    number: signal.Signals, code: Exit
) -> None:
    default = f"signal.signal({int(number)}, signal.SIG_DFL)"
    assert _exit_code(number, default) == code


def test_a_signal_that_is_ignored_stays_so_while_a_command_is_loaded() -> None:
    ignored = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    assert _exit_code(signal.SIGHUP, ignored) == Exit.INTERRUPTED
