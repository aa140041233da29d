"""Ctrl-C while the command is loaded, which takes longer than pressing it."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder

import pytest
from typing_extensions import override

from orchestrator import cli
from orchestrator.cli.exits import Exit


class _Pressed(MetaPathFinder):
    """Where its module is looked for, Ctrl-C is pressed."""

    @override
    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "orchestrator.cli.app":
            raise KeyboardInterrupt


def test_ctrl_c_before_a_command_has_begun_is_an_exit_code_and_no_stack_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "orchestrator.cli.app", raising=False)
    monkeypatch.delattr(cli, "app", raising=False)
    # It would take the signals of the process that runs the tests.
    monkeypatch.setattr(cli, "_end_at_signals", lambda: None)
    monkeypatch.setattr(sys, "meta_path", [_Pressed(), *sys.meta_path])

    with pytest.raises(SystemExit) as left:
        cli.main()

    assert left.value.code == Exit.INTERRUPTED
