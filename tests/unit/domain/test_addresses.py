"""Which addresses a caller may name as an endpoint's."""

from __future__ import annotations

import pytest

from orchestrator.domain.addresses import graph_mistake, is_link_local, url_mistake

GOOD = [
    "http://vllm:8000",
    "http://vllm:8000/v1",
    "https://models.example.com/a/v1/",
    "http://127.0.0.1:8001/v1",
    "http://[::1]:8001/v1",
    "http://10.0.0.7/v1",
    "http://192.168.1.1",
    "http://xn--bcher-kva.example/v1",
    "http://metadata.example.com",
    "http://169.254.example.com",
    "http://1.2.3.4.5/v1",
    "http://1.2.3.4.5.0/v1",
    "http://256.1/v1",
    "http://1.99999999/v1",
    "http://1.4294967296/v1",
    "HTTP://VLLM/v1",
    "http://vllm.example.com./v1",
    "http://vllm_1:8000/v1",
    f"http://{'a' * 63}.example/v1",
    "http://xn--fa-hia.example/v1",
]

LINK_LOCAL = [
    "http://169.254.169.254",
    "http://169.254.169.254./latest",
    "http://169.254.0.1:8000/v1",
    "http://2852039166/v1",
    "http://0xA9FEA9FE/v1",
    "http://0xa9.0xfe.0xa9.0xfe/v1",
    "http://0xa9.0xfe.0.0/v1",
    "http://169.254.43518/v1",
    "http://169.16689662/v1",
    "http://[::ffff:169.254.169.254]/v1",
    "http://[::ffff:a9fe:a9fe]/v1",
    "http://[::169.254.169.254]/v1",
    "http://[64:ff9b::a9fe:a9fe]/v1",
    "http://[2002:a9fe:a9fe::1]/v1",
    "http://[fe80::1]/v1",
    "http://[fd00:ec2::254]/v1",
    "http://[FD00:EC2:0::254]/v1",
    "http://[fd20:ce::254]/v1",
    "http://metadata.google.internal/computeMetadata/v1",
    "http://METADATA.google.internal./v1",
    "http://metadata/v1",
    "http://instance-data/latest",
    "http://100.100.100.200/v1",
    "http://168.63.129.16/v1",
]

OCTAL = "http://0251.0376.0251.0376/v1"
"""A link-local address to a C library, and none that is ever asked: the HTTP library takes no leading zeros."""

BAD = [
    ("file:///etc/passwd", "http:// or https://"),
    ("ftp://host/v1", "http:// or https://"),
    ("//host/v1", "http:// or https://"),
    ("host:8000", "http:// or https://"),
    ("", "http:// or https://"),
    ("http://", "a host"),
    ("http:///v1", "a host"),
    ("http://:8000/v1", "a host"),
    ("http://host:0/v1", "a host"),
    ("http://%31%36%39.254.169.254/v1", "a host"),
    ("http://[fe80::1%25eth0]/v1", "a host"),
    ("http://a..b/v1", "1 to 63 characters"),
    ("http://./", "1 to 63 characters"),
    ("http://.host/v1", "1 to 63 characters"),
    ("http://host../v1", "1 to 63 characters"),
    (f"http://{'a' * 64}/v1", "1 to 63 characters"),
    (f"http://{'a' * 64}.example/v1", "1 to 63 characters"),
    ("http://999.1.1.1:8000/v1", "four numbers from 0 to 255"),
    ("http://010.0.0.1/v1", "without leading zeros"),
    ("http://[v1.a]/v1", "an IPv6 address"),
    ("http://{x}/v1", "letters, digits, hyphens"),
    ("http://*/v1", "letters, digits, hyphens"),
    ("http://a,b/v1", "letters, digits, hyphens"),
    ("http://host:port/v1", "a URL such as"),
    ("http://host:70000/v1", "a URL such as"),
    ("http://[::1/v1", "a URL such as"),
    ("http://me:secret@host/v1", "user or a password"),
    ("http://host@169.254.169.254/v1", "user or a password"),
    ("http://host/v1#models", "fragment"),
    ("http://host/v1?key=secret", "query"),
    ("http://host/v1?", "query"),
    ("http://ho st/v1", "printable ASCII"),
    ("http://169.254\t.169.254/v1", "printable ASCII"),
    ("http://host/v1\n", "printable ASCII"),
    ("http://１６９.254.169.254/v1", "printable ASCII"),  # noqa: RUF001 - wide digits
    ("http://host\\@169.254.169.254/v1", "printable ASCII"),
    ("http://host/" + "v" * 2100, "2048"),
]


@pytest.mark.parametrize("url", GOOD)
def test_an_ordinary_url_has_no_mistake(url: str):
    assert url_mistake(url, allow_link_local=False) is None


@pytest.mark.parametrize("url", [*LINK_LOCAL, OCTAL])
def test_a_link_local_or_metadata_address_is_a_mistake_in_every_form(url: str):
    mistake = url_mistake(url, allow_link_local=False)
    assert mistake is not None
    assert "COUNCIL_ALLOW_LINK_LOCAL" in mistake


@pytest.mark.parametrize("url", LINK_LOCAL)
def test_a_link_local_address_is_allowed_by_the_setting(url: str):
    assert url_mistake(url, allow_link_local=True) is None


def test_an_octal_address_is_a_mistake_whatever_the_setting():
    mistake = url_mistake(OCTAL, allow_link_local=True)
    assert mistake is not None
    assert "leading zeros" in mistake


@pytest.mark.parametrize(("url", "words"), BAD)
@pytest.mark.parametrize("allow_link_local", [False, True])
def test_the_mistake_of_a_url_says_what_it_must_be(url: str, words: str, allow_link_local: bool):
    mistake = url_mistake(url, allow_link_local=allow_link_local)
    assert mistake is not None
    assert words in mistake


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("169.254.169.254", True),
        ("fe80::1%2", True),
        ("::ffff:169.254.169.254", True),
        ("2001:0:a9fe:a9fe::1", True),
        ("fd00:ec2::254", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("2002:a00:1::1", False),
        ("2001:db8::1", False),
        ("2001:db8::a9fe:a9fe", False),
    ],
)
def test_an_address_is_judged_by_what_it_carries(address: str, refused: bool):
    assert is_link_local(address) is refused


@pytest.mark.parametrize(
    "url", ["bolt://db:7687/movies", "neo4j+s://db/?policy=eu/#movies", "bolt://db#movies"]
)
def test_a_database_that_the_url_of_a_graph_names_is_told_where_it_belongs(url: str) -> None:
    assert "name the database in NEO4J_DATABASE" in str(graph_mistake(url))


@pytest.mark.parametrize("url", ["bolt://db", "neo4j://db:7687/", "neo4j://db?policy=eu"])
def test_a_graph_is_at_a_server_and_its_port(url: str) -> None:
    assert graph_mistake(url) is None
