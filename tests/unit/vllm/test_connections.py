"""Where an endpoint answers, by its URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.domain.errors import ModelError
from orchestrator.vllm.connections import Address, Connections
from tests.support.model_calls import endpoint


@pytest.mark.parametrize(
    ("url", "completions", "health"),
    [
        ("http://h:8000", "http://h:8000/v1/chat/completions", "http://h:8000/health"),
        ("http://h:8000/", "http://h:8000/v1/chat/completions", "http://h:8000/health"),
        ("http://h:8000/v1", "http://h:8000/v1/chat/completions", "http://h:8000/health"),
        ("http://h:8000/v1/", "http://h:8000/v1/chat/completions", "http://h:8000/health"),
        ("https://h/gpu-1", "https://h/gpu-1/v1/chat/completions", "https://h/gpu-1/health"),
        ("https://h/gpu-1/v1", "https://h/gpu-1/v1/chat/completions", "https://h/gpu-1/health"),
        ("https://h/v1beta/openai", "https://h/v1beta/openai/chat/completions", "https://h/health"),
        ("http://[::1]:8000", "http://[::1]:8000/v1/chat/completions", "http://[::1]:8000/health"),
        ("http://v1:8000", "http://v1:8000/v1/chat/completions", "http://v1:8000/health"),
        # A host may be called as a version is.
        ("http://v1", "http://v1/v1/chat/completions", "http://v1/health"),
        ("http://v1/vllm", "http://v1/vllm/v1/chat/completions", "http://v1/vllm/health"),
        ("http://h/vllm", "http://h/vllm/v1/chat/completions", "http://h/vllm/health"),
    ],
)
def test_an_address_is_the_same_with_and_without_its_version(
    url: str, completions: str, health: str
):
    address = Address(url)
    assert (str(address.completions), str(address.health)) == (completions, health)
    assert str(address.models) == completions.replace("chat/completions", "models")


async def test_certificates_that_cannot_be_read_are_told_with_the_variable_that_names_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    async with Connections(environment={}, calls_per_endpoint=1) as connections:
        with pytest.raises(ModelError, match="SSL_CERT_FILE"):
            await connections.line(endpoint("https://host/v1"))
