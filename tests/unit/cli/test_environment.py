"""Settings as the command line reads and shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli import environment
from orchestrator.domain.addresses import MASKED
from orchestrator.settings import Settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test sets is set."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)


def _shown() -> dict[str, environment.Shown]:
    return {one.variable: one for one in environment.shown(environment.read())}


def test_every_setting_is_shown_with_its_variable_and_its_meaning() -> None:
    shown = _shown()

    assert len(shown) == len(Settings.model_fields)
    assert all(one.variable.isupper() and one.meaning for one in shown.values())


def test_secrets_are_masked_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "hunter2")
    monkeypatch.setenv("VLLM_API_KEY", "hunter2")
    monkeypatch.setenv("COUNCIL_TOKEN", "hunter2")
    monkeypatch.setenv("COUNCIL_TOKENS", "hunter2")
    monkeypatch.setenv("COUNCIL_URL", "https://me:hunter2@council")

    shown = _shown()

    assert "hunter2" not in repr(shown)
    assert shown["NEO4J_PASSWORD"].value == MASKED
    assert shown["COUNCIL_URL"].value == f"https://me:{MASKED}@council"


@pytest.mark.parametrize("around", ["{}\n", "{} ", "\t{}\r\n"])
def test_what_is_sent_as_a_token_is_sent_without_the_end_of_its_line(
    monkeypatch: pytest.MonkeyPatch, around: str
) -> None:
    monkeypatch.setenv("COUNCIL_TOKEN", around.format("hunter2"))
    monkeypatch.setenv("VLLM_API_KEY", around.format("hunter3"))

    read = environment.read()

    assert environment.token(read) == "hunter2"
    assert read.vllm_api_key is not None
    assert read.vllm_api_key.get_secret_value() == "hunter3"


@pytest.mark.parametrize("variable", ["COUNCIL_TOKEN", "VLLM_API_KEY"])
@pytest.mark.parametrize("token", ["hunter2\nhunter3", "hunter2 hunter3", "hünter2", " "])
def test_a_token_that_cannot_be_sent_is_told_by_its_variable_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, variable: str, token: str
) -> None:
    monkeypatch.setenv(variable, token)

    with pytest.raises(environment.SettingsError, match=f"{variable} .* must be") as refused:
        environment.read()

    assert "nter" not in str(refused.value)


@pytest.mark.parametrize("password", ["hunter2", "hun/ter2", "hun@ter2", "hun:ter2?", "hun#ter2"])
@pytest.mark.parametrize(
    "variable",
    [
        "NEO4J_URI",
        "VLLM_URL",
        "COUNCIL_URL",
        "COUNCIL_BROWSER_URL",
        "COUNCIL_HOST",
        "COUNCIL_ALLOWED_HOSTS",
        "COUNCIL_ALLOWED_ORIGINS",
        "COUNCIL_DOCUMENTS",
    ],
)
def test_no_password_in_a_url_is_shown_nor_told_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, variable: str, password: str
) -> None:
    monkeypatch.setenv(variable, f"http://me:{password}@there")

    try:
        said = repr(_shown())
    except environment.SettingsError as error:
        said = str(error)

    assert MASKED in said
    assert not any(part in said for part in ("hun", "ter2"))


def test_a_login_in_the_address_of_the_graph_is_told_where_it_belongs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NEO4J_URI", "neo4j://neo4j:secret@db:7687")

    with pytest.raises(environment.SettingsError, match="NEO4J_USER and NEO4J_PASSWORD"):
        environment.read()


@pytest.mark.parametrize(
    "uri",
    ["bolt://[::1", "bolt://db:port", "bolt://db:0", "http://db", "db:7687", f"bolt://{'é' * 80}"],
)
def test_what_no_graph_can_be_at_is_told_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    monkeypatch.setenv("NEO4J_URI", uri)

    with pytest.raises(environment.SettingsError, match=r"NEO4J_URI .* must be a URL such as neo"):
        environment.read()


@pytest.mark.parametrize(
    "uri", ["neo4j://db", "neo4j+s://db.example.com:7687", "BOLT://[::1]:7687", "bolt+ssc://bücher"]
)
def test_whatever_a_graph_can_be_at_is_taken_as_it_is(
    monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    monkeypatch.setenv("NEO4J_URI", uri)

    assert environment.read().neo4j_uri == uri


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("VLLM_URL", "https://models.example.com/a/v1"),
        ("VLLM_MODEL", "Qwen/Qwen2.5-0.5B-Instruct"),
        ("COUNCIL_BROWSER_URL", "HTTPS://graph.example.com:7474/browser/"),
        ("COUNCIL_DOCUMENTS", "package"),
        ("COUNCIL_DOCUMENTS", "/"),
        ("COUNCIL_HOST", "::1"),
    ],
)
def test_what_was_looked_at_and_is_right_is_taken_as_it_is(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    assert _shown()[variable].value == value


@pytest.mark.parametrize("variable", ["NEO4J_USER", "NEO4J_PASSWORD", "NEO4J_DATABASE"])
def test_what_neo4j_cannot_be_sent_is_told_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "\udcff")

    with pytest.raises(environment.SettingsError, match=f"{variable} is .* must be UTF-8 text"):
        environment.read()


@pytest.mark.parametrize(
    "host", ["é" * 80, "a..b", " 127.0.0.1", "[::1]", "http://localhost", "\udcff"]
)
def test_what_nobody_can_listen_on_is_told_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("COUNCIL_HOST", host)

    with pytest.raises(environment.SettingsError, match=r"COUNCIL_HOST .* must be an address"):
        environment.read()


@pytest.mark.parametrize(
    "url", ["neo4j:7474/browser", "bolt://neo4j:7687", "http://neo4j/browser?a=b", "http://ne o4j"]
)
def test_what_neo4j_browser_cannot_be_opened_at_is_told_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("COUNCIL_BROWSER_URL", url)

    with pytest.raises(environment.SettingsError, match=r"COUNCIL_BROWSER_URL .* must be a URL"):
        environment.read()


def test_a_directory_of_documents_whose_name_is_too_long_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COUNCIL_DOCUMENTS", "d" * 5000)

    with pytest.raises(environment.SettingsError, match=r"COUNCIL_DOCUMENTS .* or a directory"):
        environment.read()


def test_an_empty_variable_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URI", "")

    assert (_shown()["NEO4J_URI"].value, _shown()["NEO4J_URI"].origin) == (None, "default")


def test_the_origin_says_whether_the_environment_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNCIL_PORT", "8080")

    shown = _shown()

    assert shown["COUNCIL_PORT"].origin == "environment"
    assert shown["COUNCIL_HOST"].origin == "default"


def test_variables_with_the_bare_names_of_settings_set_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("HOST", "other")
    monkeypatch.setenv("PORT", "1")
    monkeypatch.setenv("URL", "http://other")

    read = environment.read()

    assert (read.host, read.port, read.url) == ("127.0.0.1", 8080, None)
    assert read.home != Path("/home/somebody")


def test_where_a_service_of_kubernetes_is_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pod beside a Service named `council` is given it."""
    monkeypatch.setenv("COUNCIL_PORT", "tcp://10.0.0.1:80")

    assert environment.read().port == 8080
    assert _shown()["COUNCIL_PORT"].origin == "default"


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("COUNCIL_PORT", "eighty", "valid integer"),
        ("COUNCIL_PORT", "70000", "less than or equal to 65535"),
        ("COUNCIL_LEASE_SECONDS", "1", "greater than or equal to 3"),
        ("COUNCIL_LOG_FORMAT", "xml", "json|text"),
        ("COUNCIL_ALLOW_LINK_LOCAL", "perhaps", "valid boolean"),
        ("COUNCIL_ANONYMOUS", "some", "'read' or 'all'"),
    ],
)
def test_a_wrong_setting_is_told_by_its_name_its_value_and_what_was_expected(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(environment.SettingsError) as caught:
        environment.read()

    assert str(caught.value).startswith(f"{variable} is {value!r}, but should ")
    assert expected in str(caught.value)


def test_all_wrong_settings_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNCIL_PORT", "x")
    monkeypatch.setenv("COUNCIL_CONCURRENCY", "0")

    with pytest.raises(environment.SettingsError) as caught:
        environment.read()

    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("set_to", "url"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"COUNCIL_PORT": "9000"}, "http://127.0.0.1:9000"),
        ({"COUNCIL_HOST": "0.0.0.0"}, "http://127.0.0.1:8080"),  # noqa: S104
        ({"COUNCIL_HOST": "::"}, "http://[::1]:8080"),
        ({"COUNCIL_HOST": "::1"}, "http://[::1]:8080"),
        ({"COUNCIL_URL": "https://council.example"}, "https://council.example"),
    ],
)
def test_the_service_is_looked_for_where_it_would_listen(
    monkeypatch: pytest.MonkeyPatch, set_to: dict[str, str], url: str
) -> None:
    for variable, value in set_to.items():
        monkeypatch.setenv(variable, value)

    assert environment.api_url(environment.read()) == url


@pytest.mark.parametrize(
    "url", ["ftp://vllm", "http://me:hunter2@vllm/v1", "http://169.254.169.254/v1", "vllm:8000"]
)
def test_a_server_that_no_endpoint_may_have_is_none_for_vllm_url_either(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("VLLM_URL", url)

    with pytest.raises(environment.SettingsError, match="VLLM_URL") as refused:
        environment.read()

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("model", [" ", "a\nb", "m" * 256, "\udcff", "rehearsal"])
def test_what_no_model_may_be_called_is_none_for_vllm_model_either(
    monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setenv("VLLM_MODEL", model)
    with pytest.raises(environment.SettingsError, match=r"VLLM_MODEL .*a model's name must"):
        environment.read()


def test_hosts_and_origins_stand_apart_by_commas_or_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNCIL_ALLOWED_HOSTS", "Council.example.com, *.example.org")
    monkeypatch.setenv("COUNCIL_ALLOWED_ORIGINS", "https://Dash.example.com http://localhost:3000")

    read = environment.read()

    assert read.allowed_hosts == ("council.example.com", "*.example.org")
    assert read.allowed_origins == ("https://dash.example.com", "http://localhost:3000")
    assert _shown()["COUNCIL_ALLOWED_HOSTS"].value == "council.example.com, *.example.org"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("COUNCIL_ALLOWED_HOSTS", "council.example.com:8080"),
        ("COUNCIL_ALLOWED_HOSTS", "https://council.example.com"),
        ("COUNCIL_ALLOWED_HOSTS", "a.*.example.com"),
        ("COUNCIL_ALLOWED_ORIGINS", "dashboard.example.com"),
        ("COUNCIL_ALLOWED_ORIGINS", "https://dashboard.example.com/"),
        ("COUNCIL_ALLOWED_ORIGINS", "null"),
    ],
)
def test_what_no_browser_would_send_as_such_is_no_host_and_no_origin(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(environment.SettingsError, match=f"{variable} .* must be"):
        environment.read()
