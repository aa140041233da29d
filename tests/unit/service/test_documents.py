"""Which documents are answered, as the setting and the files of its directory say."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from graphql import GraphQLError
from orchestrator.api.trusted import DocumentId
from orchestrator.client.generated import documents as sent
from orchestrator.domain.errors import WrongSettingError
from orchestrator.service.documents import listed

OURS = "query Ours { service { version } }\n"
THEIRS = "query Theirs { roles { name } }"


def test_the_package_lists_each_document_that_its_client_sends_as_it_is_sent() -> None:
    documents = listed("package")

    assert len(documents) == len(sent.__all__)
    for name in sent.__all__:
        text = vars(sent)[name]
        assert documents.admit(text) == text


def test_a_directory_adds_its_files_byte_for_byte_and_what_code_generators_have_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "ours.graphql").write_bytes(OURS.replace("\n", "\r\n").encode())
    (tmp_path / "persisted-documents.json").write_text(json.dumps({"any": THEIRS}))
    (tmp_path / "readme.txt").write_text("{")

    documents = listed(str(tmp_path))

    assert len(documents) == len(sent.__all__) + 2
    windows = OURS.replace("\n", "\r\n")
    # As sha256sum says it of the file.
    assert documents.admit(DocumentId(sha256(windows.encode()).hexdigest())) == windows
    assert documents.admit(THEIRS) == THEIRS
    with pytest.raises(GraphQLError):
        documents.admit(OURS)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.graphql", b"query {\n service { colour } }", "line 2: Cannot query field 'colour'"),
        ("a.graphql", b"{", "Syntax Error"),
        ("a.graphql", b"\xff", "not UTF-8"),
        ("a.graphql", b"{" + b"a" * 200_000 + b"}", "characters"),
        ("a.json", b"[]", "object"),
        ("a.json", b"{", "Expecting"),
        ("a.json", b'{"x": 1}', "string"),
        ("a.json", b'{"x": "{ colour }"}', "colour"),
    ],
)
def test_a_file_that_could_not_be_answered_is_named(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(WrongSettingError) as caught:
        listed(str(tmp_path))

    told = str(caught.value)
    assert told.startswith(f"COUNCIL_DOCUMENTS: {tmp_path / name}: ")
    assert words in told


def test_a_directory_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongSettingError, match=f"COUNCIL_DOCUMENTS: {tmp_path / 'gone'}: "):
        listed(str(tmp_path / "gone"))
