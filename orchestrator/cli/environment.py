"""The settings as the command line reads them: what is wrong with them, and how they are shown."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pydantic import SecretStr, ValidationError

from orchestrator.domain.addresses import MASKED, url_here, without_password
from orchestrator.settings import Settings, is_of_kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo


class SettingsError(Exception):
    """Environment variables that cannot be; one line for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A setting as it is shown: a secret is masked, `value` is none where nothing is set."""

    variable: str
    value: str | None
    origin: str
    meaning: str


def read() -> Settings:
    """Read the settings from the environment; raises SettingsError, naming each variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        fields = {_variable(field): field for field in Settings.model_fields.values()}
        lines = [
            _complaint(str(one["loc"][0]), one["input"], one["msg"], fields)
            for one in error.errors()
        ]
        raise SettingsError("\n".join(lines)) from error


def shown(settings: Settings) -> Iterator[Shown]:
    """Yield each setting in the order of their declaration."""
    # Empty is unset.
    present = {
        name.upper() for name, value in os.environ.items() if value and not is_of_kubernetes(value)
    }
    for name, field in Settings.model_fields.items():
        variable = _variable(field)
        yield Shown(
            variable=variable,
            value=_value(getattr(settings, name)),
            origin="environment" if variable in present else "default",
            meaning=field.description or "",
        )


def api_url(settings: Settings) -> str:
    """Say where the API is: COUNCIL_URL, else where a service with these settings listens."""
    if settings.url is not None:
        return settings.url
    return url_here(settings.host, settings.port)


def token(settings: Settings) -> str | None:
    """Return what is shown to the API, where anything is."""
    return None if settings.token is None else settings.token.get_secret_value()


def _variable(field: FieldInfo) -> str:
    return field.alias or ""


def _value(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, tuple):
        return ", ".join(map(str, cast("tuple[object, ...]", value))) or None
    return MASKED if isinstance(value, SecretStr) else without_password(str(value))


def _complaint(variable: str, value: object, message: str, fields: Mapping[str, FieldInfo]) -> str:
    field = fields.get(variable)
    secret = field is None or "Secret" in str(field.annotation)
    given = MASKED if secret else repr(without_password(str(value)))
    expected = message.removeprefix("Input ").removeprefix("String ").removeprefix("Value error, ")
    # Of a list it says which one is wrong, by its text.
    expected = without_password(expected.partition(", unable to")[0])
    meaning = f" ({field.description})" if field is not None and field.description else ""
    return f"{variable} is {given}, but {expected}.{meaning}"
