"""Where an endpoint answers, by its URL."""

from __future__ import annotations

import pytest

from orchestrator.vllm.connections import Address


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
        ("http://h/vllm", "http://h/vllm/v1/chat/completions", "http://h/vllm/health"),
    ],
)
def test_an_address_is_the_same_with_and_without_its_version(
    url: str, completions: str, health: str
):
    address = Address(url)
    assert (str(address.completions), str(address.health)) == (completions, health)
    assert str(address.models) == completions.replace("chat/completions", "models")
