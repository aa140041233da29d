"""Every setting, read from the environment once by `service` and `cli` and handed down as plain values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from orchestrator.domain.addresses import can_be_looked_up, graph_mistake, url_mistake
from orchestrator.domain.callers import token_mistake
from orchestrator.domain.councils import FIRST_MODEL
from orchestrator.domain.validation import model_mistake


def is_of_kubernetes(value: str) -> bool:
    """Whether a variable holds where a Service is: each pod beside one named `council` is given COUNCIL_PORT=tcp://10.0.0.1:8080."""
    return value.startswith(("tcp://", "udp://", "sctp://"))


class Settings(BaseSettings):
    """The settings. Each field's alias is the environment variable that sets it."""

    # Not by name too: `home` would then be read from HOME, and `host` from HOST. Empty is unset: compose files and charts
    # have no other way to say it.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    neo4j_uri: Annotated[
        str | None,
        Field(
            alias="NEO4J_URI",
            description="The graph, such as neo4j://host:7687; none: `council up` runs a Neo4j of its own.",
        ),
    ] = None
    neo4j_user: Annotated[str, Field(alias="NEO4J_USER", description="Who logs in there.")] = (
        "neo4j"
    )
    neo4j_password: Annotated[
        SecretStr | None, Field(alias="NEO4J_PASSWORD", description="With which password.")
    ] = None
    neo4j_database: Annotated[
        str, Field(alias="NEO4J_DATABASE", description="Which of its databases.")
    ] = "neo4j"

    allow_link_local: Annotated[
        bool,
        Field(
            alias="COUNCIL_ALLOW_LINK_LOCAL",
            description="Let endpoints have link-local and metadata addresses.",
        ),
    ] = False
    vllm_url: Annotated[
        str | None,
        Field(
            alias="VLLM_URL",
            description="The endpoint `default`, such as http://host:8000/v1; none: the rehearsal model answers, and says so.",
        ),
    ] = None
    vllm_model: Annotated[
        str | None,
        Field(
            alias="VLLM_MODEL",
            description=f"The model `default`, as the server names it; none: what it was, in a new graph {FIRST_MODEL}.",
        ),
    ] = None
    vllm_api_key: Annotated[
        SecretStr | None,
        Field(alias="VLLM_API_KEY", description="The key for the endpoint `default`."),
    ] = None

    host: Annotated[str, Field(alias="COUNCIL_HOST", description="Where the API listens.")] = (
        "127.0.0.1"
    )
    port: Annotated[
        int,
        Field(
            alias="COUNCIL_PORT", ge=0, le=65535, description="On which port; 0 takes a free one."
        ),
    ] = 8080
    tokens: Annotated[
        SecretStr | None,
        Field(
            alias="COUNCIL_TOKENS",
            description="The tokens by which callers are known: entries that `council token create` prints, apart by spaces.",
        ),
    ] = None
    tokens_file: Annotated[
        Path | None,
        Field(
            alias="COUNCIL_TOKENS_FILE",
            description="A file of such entries instead, one a line; within a second of a change it is read again.",
        ),
    ] = None
    oidc_issuer: Annotated[
        str | None,
        Field(
            alias="COUNCIL_OIDC_ISSUER",
            description="The OpenID issuer whose tokens count, as it names itself in them, such as https://login.example.com/realms/ours.",
        ),
    ] = None
    oidc_audience: Annotated[
        str | None,
        Field(
            alias="COUNCIL_OIDC_AUDIENCE", description="What such a token must be for: its `aud`."
        ),
    ] = None
    oidc_name_claim: Annotated[
        str,
        Field(
            alias="COUNCIL_OIDC_NAME_CLAIM",
            description="The claim that says who it is; people must not be able to choose it themselves.",
        ),
    ] = "sub"
    oidc_scope_claim: Annotated[
        str,
        Field(
            alias="COUNCIL_OIDC_SCOPE_CLAIM",
            description="The claim with read, deliberate or manage: words or a list; a.b is b within a.",
        ),
    ] = "scope"
    oidc_scope_prefix: Annotated[
        str | None,
        Field(
            alias="COUNCIL_OIDC_SCOPE_PREFIX",
            description="What stands before each of these words there, such as `council:`.",
        ),
    ] = None
    anonymous: Annotated[
        Literal["read", "all"] | None,
        Field(
            alias="COUNCIL_ANONYMOUS",
            description="What callers may do who show no token; unset: all on this machine alone where none are known, else nothing.",
        ),
    ] = None
    allowed_hosts: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            alias="COUNCIL_ALLOWED_HOSTS",
            description="Names under which the service is reached, apart by commas, such as council.example.com; addresses and localhost always are.",
        ),
    ] = ()
    allowed_origins: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            alias="COUNCIL_ALLOWED_ORIGINS",
            description="Other web pages that may use it from a browser, apart by commas, such as https://dashboard.example.com.",
        ),
    ] = ()
    introspection: Annotated[
        bool,
        Field(
            alias="COUNCIL_INTROSPECTION",
            description="Whether the API shows its schema to those who ask; code generators and GraphiQL do.",
        ),
    ] = True
    documents: Annotated[
        str | None,
        Field(
            alias="COUNCIL_DOCUMENTS",
            description="The only documents that the API answers: `package`, those of the package's own client; or a directory, whose *.graphql files are answered, too. Unset: any.",
        ),
    ] = None
    client_connections: Annotated[
        int,
        Field(
            alias="COUNCIL_CLIENT_CONNECTIONS",
            ge=1,
            description="WebSockets that one client may have at once at one process: a caller, or an address where callers are anonymous.",
        ),
    ] = 256
    client_subscriptions: Annotated[
        int,
        Field(
            alias="COUNCIL_CLIENT_SUBSCRIPTIONS",
            ge=1,
            description="Subscriptions that one client may have at once at one process, over whatever; a query that waits is one, too.",
        ),
    ] = 1024
    client_requests: Annotated[
        int,
        Field(
            alias="COUNCIL_CLIENT_REQUESTS",
            ge=1,
            description="Queries and mutations that one client may have under way at once at one process.",
        ),
    ] = 256
    home: Annotated[
        Path,
        Field(
            alias="COUNCIL_HOME",
            description="Where `council up` keeps its Neo4j, and every process its lock.",
        ),
    ] = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("graph-council", appauthor=False))
    )
    bolt_port: Annotated[
        int,
        Field(
            alias="COUNCIL_BOLT_PORT",
            ge=0,
            le=65535,
            description="Where the Neo4j of `council up` speaks Bolt; 0 takes a free port.",
        ),
    ] = 7687
    browser_port: Annotated[
        int,
        Field(
            alias="COUNCIL_BROWSER_PORT",
            ge=0,
            le=65535,
            description="Where the Neo4j of `council up` serves Neo4j Browser; 0 takes a free port.",
        ),
    ] = 7474
    browser_url: Annotated[
        str | None,
        Field(
            alias="COUNCIL_BROWSER_URL",
            description="Where Neo4j Browser is; unset: port 7474 of the host in NEO4J_URI.",
        ),
    ] = None
    url: Annotated[
        str | None,
        Field(
            alias="COUNCIL_URL",
            description="The service that `council ask` and its like speak to; unset: the one at COUNCIL_HOST and COUNCIL_PORT.",
        ),
    ] = None
    token: Annotated[
        SecretStr | None,
        Field(
            alias="COUNCIL_TOKEN",
            description="The token that `council ask` and its like show to the service.",
        ),
    ] = None
    seed: Annotated[
        str | None,
        Field(
            alias="COUNCIL_SEED",
            description="A YAML file of councils for a new graph, or `none`; unset: the five default councils.",
        ),
    ] = None
    lease_seconds: Annotated[
        float,
        Field(
            alias="COUNCIL_LEASE_SECONDS",
            ge=3,
            le=300,
            description="How long a process that fell silent keeps what it held.",
        ),
    ] = 10.0
    drain_seconds: Annotated[
        float,
        Field(
            alias="COUNCIL_DRAIN_SECONDS",
            ge=0,
            le=3600,
            description="How long calls under way may go on after SIGTERM.",
        ),
    ] = 20.0
    concurrency: Annotated[
        int,
        Field(
            alias="COUNCIL_CONCURRENCY",
            ge=1,
            le=1024,
            description="Deliberations that one process runs at once.",
        ),
    ] = 64
    calls_per_endpoint: Annotated[
        int,
        Field(
            alias="COUNCIL_CALLS_PER_ENDPOINT",
            ge=1,
            le=4096,
            description="Calls in flight to one endpoint from one process, at most; fewer where it cannot keep up.",
        ),
    ] = 256
    endpoint_wait_seconds: Annotated[
        float,
        Field(
            alias="COUNCIL_ENDPOINT_WAIT_SECONDS",
            ge=1,
            le=86400,
            description="How long a deliberation without a deadline waits for an endpoint that is down.",
        ),
    ] = 900.0
    debug: Annotated[
        bool,
        Field(
            alias="COUNCIL_DEBUG", description="Show the stack where a command fails by a defect."
        ),
    ] = False
    log_format: Annotated[
        str | None,
        Field(
            alias="COUNCIL_LOG_FORMAT",
            pattern="^(json|text)$",
            description="json or text; unset: text on a terminal, else json.",
        ),
    ] = None

    @field_validator("port", "bolt_port", "browser_port", mode="before")
    @classmethod
    def _is_no_service_link(cls, port: object, known: ValidationInfo) -> object:
        """Leave unset what Kubernetes sets beside a Service named `council`."""
        if isinstance(port, str) and is_of_kubernetes(port):
            return cls.model_fields[known.field_name or ""].default
        return port

    @field_validator("neo4j_uri")
    @classmethod
    def _leads_to_a_graph(cls, uri: str | None) -> str | None:
        """Judge it before it is taken apart, for the driver or for Neo4j Browser; a login in it would be shown."""
        if uri is not None and "@" in uri:
            msg = "a user and a password belong into NEO4J_USER and NEO4J_PASSWORD"
            raise ValueError(msg)
        if uri is not None and (mistake := graph_mistake(uri)):
            msg = f"it {mistake}"
            raise ValueError(msg)
        return uri

    @field_validator("neo4j_user", "neo4j_password", "neo4j_database", mode="before")
    @classmethod
    def _is_text(cls, value: object) -> object:
        """Take what can be sent: bytes of a variable that are no UTF-8 are lone surrogates here."""
        if isinstance(value, str) and re.search("[\ud800-\udfff]", value):
            msg = "it must be UTF-8 text"
            raise ValueError(msg)
        return value

    @field_validator("browser_url")
    @classmethod
    def _is_a_page(cls, url: str | None) -> str | None:
        """Take no login, which would be shown, and nothing that what is filled in could not stand behind."""
        if url is not None and not re.fullmatch(r"https?://[^\s@?#]+", url, re.IGNORECASE):
            msg = "it must be a URL such as http://host:7474/browser, without a user, a password and a query"
            raise ValueError(msg)
        return url

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, host: str) -> str:
        if re.search(r"[\s/@\[\]]", host) or not can_be_looked_up(host):
            msg = "it must be an address or a name of this machine, such as 127.0.0.1, ::1 or localhost"
            raise ValueError(msg)
        return host

    @field_validator("token", "vllm_api_key")
    @classmethod
    def _fits_into_a_header(cls, token: SecretStr | None) -> SecretStr | None:
        """Take it without the line's end of the file that it was read from."""
        if token is None:
            return None
        shown = token.get_secret_value().strip()
        if mistake := token_mistake(shown):
            msg = f"it {mistake}"
            raise ValueError(msg)
        return SecretStr(shown)

    @field_validator(
        "oidc_issuer", "oidc_audience", "oidc_name_claim", "oidc_scope_claim", "oidc_scope_prefix"
    )
    @classmethod
    def _is_compared(cls, value: str | None) -> str | None:
        """Take it without a line's end as well, which no log would show."""
        return None if value is None else value.strip()

    @field_validator("allowed_hosts", "allowed_origins", mode="before")
    @classmethod
    def _are_apart_by_commas(cls, value: object) -> object:
        """Take a text apart."""
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        """Take names alone: the port is whichever it is reached at."""
        for host in hosts:
            if not re.fullmatch(r"\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", host):
                msg = f"{host!r} must be a name such as council.example.com or *.example.com, without a port"
                raise ValueError(msg)
        return tuple(host.lower() for host in hosts)

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        """Take origins as browsers send them."""
        for origin in origins:
            if not re.fullmatch(r"\*|https?://[^/\s@?#]+", origin, re.IGNORECASE):
                msg = f"{origin!r} must be an origin such as https://dashboard.example.com, without a path"
                raise ValueError(msg)
        return tuple(origin.lower() for origin in origins)

    @field_validator("documents")
    @classmethod
    def _are_somewhere(cls, documents: str | None) -> str | None:
        try:
            found = documents in {None, "package"} or Path(documents or "").is_dir()
        except OSError:
            found = False
        if not found:
            msg = f"{documents!r} must be `package` or a directory"
            raise ValueError(msg)
        return documents

    @field_validator("vllm_model")
    @classmethod
    def _is_a_name(cls, model: str | None) -> str | None:
        """Judge it as any model's."""
        if model is not None and (mistake := model_mistake(model)):
            msg = f"a model's name {mistake}"
            raise ValueError(msg)
        return model

    @field_validator("vllm_url")
    @classmethod
    def _is_where_an_endpoint_may_be(cls, url: str | None, known: ValidationInfo) -> str | None:
        """Judge it as any endpoint's: it is put into the graph, where no password may be."""
        allow_link_local = bool(known.data.get("allow_link_local"))
        if url is not None and (mistake := url_mistake(url, allow_link_local=allow_link_local)):
            msg = f"an endpoint's URL {mistake}"
            raise ValueError(msg)
        return url
