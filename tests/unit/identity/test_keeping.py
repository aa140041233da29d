"""Where entries are kept: a setting, or a file that counts as it is now."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from orchestrator.domain.callers import Scope
from orchestrator.identity import keeping, tokens
from orchestrator.identity.keeping import Kept, WrongTokensError

ADA = tokens.create("ada", Scope.READ, None)[1]
BOB = tokens.create("bob", Scope.MANAGE, None)[1]


def replace(file: Path, text: str | bytes) -> None:
    """As an operator should, and as Kubernetes does."""
    new = file.with_suffix(".new")
    new.write_bytes(text if isinstance(text, bytes) else text.encode())
    new.replace(file)


def test_a_setting_counts_as_it_was_at_the_start() -> None:
    kept = Kept(f"{ADA}\n{BOB}", None)

    assert kept.entries == (ADA, BOB)
    assert not kept.renew()


def test_a_file_is_read_again_once_it_is_another(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    replace(file, f"{ADA}\n")
    kept = Kept("", file)
    assert not kept.renew()

    replace(file, f"{ADA}\n{BOB}\n")
    assert kept.renew()
    assert kept.entries == (ADA, BOB)

    replace(file, f"{BOB}\n")
    assert kept.renew()
    assert kept.entries == (BOB,)
    assert not kept.renew()


def test_a_file_may_begin_as_editors_of_windows_have_it(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    replace(file, f"\N{BYTE ORDER MARK}{ADA}\r\n{BOB}\r\n")

    assert Kept("", file).entries == (ADA, BOB)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tokens")

    with pytest.raises(WrongTokensError, match="tokens: it must not be a pipe"):
        Kept("", tmp_path / "tokens")


def test_a_mounted_secret_is_read_again_when_its_link_leads_elsewhere(tmp_path: Path) -> None:
    """Kubernetes replaces the link `..data`, and the file's own link stays as it is."""
    for version, text in (("1", f"{ADA}\n{BOB}"), ("2", f"{ADA}\n")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "tokens").write_text(text)
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "tokens").symlink_to("..data/tokens")
    kept = Kept("", tmp_path / "tokens")
    assert kept.entries == (ADA, BOB)

    (tmp_path / "..new").symlink_to("2")
    os.replace(tmp_path / "..new", tmp_path / "..data")  # noqa: PTH105 - of a link itself

    assert kept.renew()
    assert kept.entries == (ADA,)


def test_a_slip_in_one_line_keeps_no_token_alive_that_was_taken_out_in_another(
    tmp_path: Path,
) -> None:
    file = tmp_path / "tokens"
    replace(file, f"{ADA}\n{BOB}\n")
    kept = Kept("", file)

    with capture_logs() as logs:
        replace(file, f"{ADA}\ncarl:everything:sha256-00\n")
        assert kept.renew()

    assert kept.entries == (ADA,)
    assert [(line["event"], line.get("why")) for line in logs] == [
        ("token_unreadable", "line 2: carl's scope must be one of read, deliberate, manage"),
        ("tokens_read", None),
    ]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (None, "No such file or directory"),
        # Without the bytes, which may be of a token.
        (b"\xff\xfe", "it is no UTF-8"),
        (b"#" * 1_100_000, "it must not be larger than 1048576 bytes"),
    ],
    ids=["gone", "no text", "too large"],
)
def test_of_a_file_that_cannot_be_read_nothing_counts_until_it_can(
    tmp_path: Path, broken: bytes | None, why: str
) -> None:
    file = tmp_path / "tokens"
    replace(file, f"{ADA}\n")
    kept = Kept("", file)

    for _ in ("once", "and again"):
        with capture_logs() as logs:
            if broken is None:
                file.unlink()
            else:
                replace(file, broken)
            assert kept.renew()
        assert kept.entries == ()
        assert [(line["event"], line["why"]) for line in logs] == [("tokens_unreadable", why)]

        replace(file, f"{ADA}\n")
        assert kept.renew()
        assert kept.entries == (ADA,)


def test_a_file_that_could_not_be_read_is_read_again_though_it_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tokens"
    replace(file, f"{ADA}\n")
    kept = Kept("", file)
    replace(file, f"{ADA}\n{BOB}\n")

    def too_many(_: Path) -> str:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as passing, capture_logs() as logs:
        passing.setattr(keeping, "_text", too_many)
        assert kept.renew()
        assert not kept.renew()
    assert (kept.entries, [line["event"] for line in logs]) == ((), ["tokens_unreadable"])

    assert kept.renew()
    assert kept.entries == (ADA, BOB)


def test_whatever_is_wrong_at_the_start_is_told_at_once_with_its_setting(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    with pytest.raises(WrongTokensError, match=r"COUNCIL_TOKENS_FILE.*No such file"):
        Kept("", file)
    with pytest.raises(WrongTokensError) as refused:
        Kept("ada\nbob", None)

    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        "COUNCIL_TOKENS",
        "COUNCIL_TOKENS",
    ]
