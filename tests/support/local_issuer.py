"""An OpenID issuer on a real socket: it publishes keys, signs tokens with them, and changes them.

async with LocalIssuer().serve() as issuer:
    token = issuer.sign(scope="read")
    issuer.rotate()
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

AUDIENCE = "graph-council"


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key pair under an id."""

    id: str
    algorithm: str
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    @property
    def public(self) -> dict[str, Any]:
        """As it is published."""
        public = self.private.public_key()
        shown = (
            RSAAlgorithm.to_jwk(public, as_dict=True)
            if isinstance(public, rsa.RSAPublicKey)
            else ECAlgorithm.to_jwk(public, as_dict=True)
        )
        return {**shown, "kid": self.id, "alg": self.algorithm, "use": "sig"}


def rsa_key(id: str) -> Key:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return Key(id=id, algorithm="RS256", private=private)


def elliptic_key(id: str) -> Key:
    return Key(id=id, algorithm="ES256", private=ec.generate_private_key(ec.SECP256R1()))


@dataclass(kw_only=True)
class LocalIssuer:
    """What it publishes; `instead` is answered in the place of everything while it is set."""

    keys: list[Key] = field(default_factory=lambda: [elliptic_key("key-1")])
    more: list[dict[str, Any]] = field(default_factory=list)
    """Keys that are published as they are."""
    instead: Response | None = None
    says: dict[str, Any] = field(default_factory=dict)
    """In the place of what its configuration would say."""
    url: str = ""
    asked: list[str] = field(default_factory=list)
    """The paths, in order."""

    @property
    def key(self) -> Key:
        """The one that signs."""
        return self.keys[-1]

    def rotate(self, key: Key | None = None) -> Key:
        """Sign with another key from now on, and publish no other."""
        self.keys = [key or elliptic_key(f"key-{time.monotonic_ns()}")]
        return self.key

    def sign(self, key: Key | None = None, /, **claims: Any) -> str:
        """Sign a token; a claim that is none is left out, and so is an id of the key that is empty."""
        key = key or self.key
        said = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ada",
            "exp": int(time.time()) + 300,
            "scope": "read",
            **claims,
        }
        payload = {name: value for name, value in said.items() if value is not None}
        headers = {"kid": key.id} if key.id else None
        return jwt.encode(payload, key.private, key.algorithm, headers=headers)

    @asynccontextmanager
    async def serve(self) -> AsyncGenerator[LocalIssuer]:
        """Listen on a free port while the block runs."""
        app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._configuration),
                Route("/keys", self._keys),
            ]
        )
        server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
        )
        serving = asyncio.create_task(server.serve())
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.005)
            port = server.servers[0].sockets[0].getsockname()[1]
            self.url = f"http://127.0.0.1:{port}"
            yield self
        finally:
            server.should_exit = True
            await serving

    async def _configuration(self, request: Request) -> Response:
        answer = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.says}
        return self._answer(request, answer)

    async def _keys(self, request: Request) -> Response:
        return self._answer(request, {"keys": [*self.more, *(key.public for key in self.keys)]})

    def _answer(self, request: Request, answer: dict[str, Any]) -> Response:
        self.asked.append(request.url.path)
        return self.instead or JSONResponse(answer)
