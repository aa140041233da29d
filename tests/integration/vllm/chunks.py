"""Pieces of what a server sends, as bytes."""

from __future__ import annotations

import json


def event(delta: object, **more: object) -> bytes:
    """A chunk of a stream."""
    choice = {"index": 0, "delta": delta} | more
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


SAID = event({"content": "Half an answer"})
END = event({}, finish_reason="stop")
DONE = b"data: [DONE]\n\n"
PLAIN = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
"""An answer in one, of which length and body are to be filled in."""
