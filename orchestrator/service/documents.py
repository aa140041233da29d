"""Which documents are answered, by the setting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import structlog

from orchestrator.api.documents import mistakes
from orchestrator.api.schema import SCHEMA
from orchestrator.api.trusted import Listed
from orchestrator.client.generated import documents as sent
from orchestrator.domain.errors import WrongSettingError

_OURS = "package"
"""What the setting says where there are to be no others."""

_log = structlog.get_logger(__name__)


def listed(setting: str) -> Listed:
    """Read the documents that alone are answered.

    Raises:
        WrongSettingError: one cannot be read, or could not be answered; its file is named.
    """
    texts = [cast("str", vars(sent)[name]) for name in sent.__all__]
    if setting != _OURS:
        for file, text in _of(Path(setting)):
            found = mistakes(SCHEMA, text)
            if found:
                raise WrongSettingError(f"COUNCIL_DOCUMENTS: {file}: {found[0]}")
            texts.append(text)
    documents = Listed(texts)
    _log.info("documents_listed", documents=len(documents))
    return documents


def _of(directory: Path) -> Iterator[tuple[Path, str]]:
    """The documents of a directory: each *.graphql file is one, and each *.json file names some by their hashes."""
    try:
        files = sorted(directory.iterdir())
    except OSError as error:
        raise WrongSettingError(f"COUNCIL_DOCUMENTS: {directory}: {error.strerror}") from error
    for file in files:
        if file.suffix == ".graphql":
            yield file, _read(file)
        elif file.suffix == ".json":
            yield from ((file, text) for text in _named(file))


def _read(file: Path) -> str:
    try:
        # As it is: line ends are part of what is hashed.
        return file.read_bytes().decode()
    except OSError as error:
        raise WrongSettingError(f"COUNCIL_DOCUMENTS: {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WrongSettingError(f"COUNCIL_DOCUMENTS: {file}: it is not UTF-8") from error


def _named(file: Path) -> Iterator[str]:
    """The documents of what graphql-codegen writes as persisted-documents.json."""
    try:
        named: Any = json.loads(_read(file))
    except ValueError as error:
        raise WrongSettingError(f"COUNCIL_DOCUMENTS: {file}: {error}") from error
    if not isinstance(named, dict):
        raise WrongSettingError(f"COUNCIL_DOCUMENTS: {file}: it must be an object of documents")
    for text in cast("dict[str, object]", named).values():
        if not isinstance(text, str):
            raise WrongSettingError(f"COUNCIL_DOCUMENTS: {file}: a document must be a string")
        yield text
